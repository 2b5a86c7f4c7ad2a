/* Each protection: what reading and writing do, with signal, code and address. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(6);
    mprotect(p, PAGE, PROT_NONE);
    mprotect(p + PAGE, PAGE, PROT_READ);
    mprotect(p + 2 * PAGE, PAGE, PROT_WRITE);
    mprotect(p + 3 * PAGE, PAGE, PROT_EXEC);
    mprotect(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    munmap(p + 5 * PAGE, PAGE);
    for (int i = 0; i < 6; i++) {
        printf("page %d\n", i);
        READ(p + i * PAGE + 9);
        WRITE(p + i * PAGE + 9, 1);
    }
    READ((char *)NULL);
    WRITE((char *)0x1234, 1);
    int fd = numbered_file(1), out = MUST(open("/dev/null", O_WRONLY));
    int memory_file = MUST(memfd_create("m", 0));
    CALL(pread(fd, p, 10, 0));
    CALL(pread(fd, p + PAGE, 10, 0));
    CALL(pread(fd, p + 2 * PAGE, 10, 0));
    CALL(pread(fd, p + 5 * PAGE, 10, 0));
    CALL(write(memory_file, p, 10));
    CALL(write(memory_file, p + PAGE, 10));
    CALL(write(memory_file, p + 5 * PAGE - 5, 10));
    return 0;
}
