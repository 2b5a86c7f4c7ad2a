/* A hole punched behind the end of a file, in its last page: what a mapping wrote there is gone. */
#include "fault.h"
int main(void) {
    char name[] = "/dev/shm/catalyzer-file-XXXXXX";
    int fd = (int)MUST(mkstemp(name)), mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    unlink(name);
    fault_catch();
    MUST(ftruncate(fd, PAGE + 10));
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(p, 3, 2 * PAGE);
    CALL(fallocate(fd, mode, PAGE + 100, 10));
    READ(p + PAGE + 9);
    READ(p + PAGE + 99);
    READ(p + PAGE + 100);
    READ(p + PAGE + 110);
    CALL(fallocate(fd, mode, PAGE + 200, 3 * PAGE));
    READ(p + PAGE + 199);
    READ(p + PAGE + 200);
    READ(p + 2 * PAGE - 1);
    CALL(fallocate(fd, mode, 3 * PAGE, PAGE));
    CALL(lseek(fd, 0, SEEK_END));
    return 0;
}
