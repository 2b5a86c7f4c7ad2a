/* A private mapping of a file that becomes shorter: its own copies behind the end are gone, too. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = numbered_file(4);
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    WRITE(p + 1 * PAGE, 21);
    WRITE(p + 3 * PAGE, 23);
    CALL(ftruncate(fd, PAGE + 10));
    READ(p + 1 * PAGE);
    READ(p + 1 * PAGE + 20);
    READ(p + 2 * PAGE);
    READ(p + 3 * PAGE);
    CALL(ftruncate(fd, 4 * PAGE));
    READ(p + 1 * PAGE);
    READ(p + 2 * PAGE);
    READ(p + 3 * PAGE);
    WRITE(p + 3 * PAGE, 33);
    CALL(pwrite(fd, "abc", 3, 0));
    CALL(pwrite(fd, "abc", 3, PAGE));
    CALL(pwrite(fd, "abc", 3, 3 * PAGE));
    READ(p);
    READ(p + PAGE);
    READ(p + 3 * PAGE);
    return 0;
}
