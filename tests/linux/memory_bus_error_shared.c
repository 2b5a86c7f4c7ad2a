/* A shared mapping of a file that becomes shorter: SIGBUS behind the last page, zeros when it comes back. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = numbered_file(4);
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    READ(p + 3 * PAGE);
    CALL(ftruncate(fd, 2 * PAGE + 10));
    READ(p + 2 * PAGE + 9);
    READ(p + 2 * PAGE + 10);
    READ(p + 3 * PAGE + 7);
    WRITE(p + 3 * PAGE, 1);
    WRITE(p + 2 * PAGE + 100, 9);
    CALL(ftruncate(fd, 4 * PAGE));
    READ(p + 2 * PAGE + 9);
    READ(p + 2 * PAGE + 100);
    READ(p + 3 * PAGE);
    WRITE(p + 3 * PAGE, 5);
    CALL(ftruncate(fd, 0));
    READ(p);
    CALL(mprotect(p, PAGE, PROT_NONE));
    READ(p);
    CALL(mprotect(p, PAGE, PROT_READ));
    READ(p);
    WRITE(p, 1);
    CALL(ftruncate(fd, 1));
    READ(p);
    WRITE(p + PAGE, 1);
    return 0;
}
