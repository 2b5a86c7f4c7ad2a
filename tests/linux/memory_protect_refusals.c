/* mprotect: what it refuses, and that it stops at the first hole. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(6);
    CALL(mprotect(p + 1, PAGE, PROT_READ));
    CALL(mprotect(p, PAGE, 0x40));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_GROWSUP));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_WRITE | 8));
    CALL(mprotect(p, 0, PROT_NONE));
    CALL(mprotect(p, -1UL, PROT_NONE));
    CALL(mprotect(p, -4096UL * 2, PROT_NONE));
    READ(p);
    CALL(munmap(p + 3 * PAGE, PAGE));
    CALL(mprotect(p, 6 * PAGE, PROT_READ));
    WRITE(p, 1);
    WRITE(p + 2 * PAGE, 1);
    WRITE(p + 4 * PAGE, 1);
    CALL(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
    CALL(mprotect(p, 1, PROT_NONE));
    READ(p + PAGE - 1);
    READ(p + PAGE);
    test_scratch_directory();
    test_write_file("f", "text");
    int fd = MUST(open("f", O_RDONLY));
    char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), *own = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    CALL(mprotect(shared, PAGE, PROT_READ | PROT_WRITE));
    CALL(mprotect(shared, PAGE, PROT_READ | PROT_EXEC));
    CALL(mprotect(own, PAGE, PROT_READ | PROT_WRITE));
    WRITE(own, 'T');
    CALL(unlink("f"));
    test_remove_scratch_directory();
    return 0;
}
