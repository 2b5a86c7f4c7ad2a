/* msync: flags, holes, locked pages. */
#include "fault.h"
int main(void) {
    char *p = numbered_pages(4);
    int fd = numbered_file(2);
    char *s = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CALL(msync(s, 2 * PAGE, MS_SYNC));
    CALL(msync(s, 2 * PAGE, MS_ASYNC | MS_INVALIDATE));
    CALL(msync(s, 2 * PAGE, MS_SYNC | MS_ASYNC));
    CALL(msync(s, 2 * PAGE, 0));
    CALL(msync(s, 2 * PAGE, 8));
    CALL(msync(s + 1, PAGE, MS_SYNC));
    CALL(msync(s, 0, MS_SYNC));
    CALL(msync(s, -PAGE, MS_SYNC));
    CALL(msync(s, -1UL, MS_SYNC));
    CALL(munmap(p + PAGE, PAGE));
    CALL(msync(p, 3 * PAGE, MS_ASYNC));
    CALL(msync(p, PAGE, MS_SYNC));
    CALL(msync(p + PAGE, PAGE, MS_SYNC));
    CALL(msync((void *)(1L << 46), PAGE, MS_SYNC));
    CALL(mlock(s, PAGE));
    CALL(msync(s, 2 * PAGE, MS_SYNC));
    CALL(msync(s, 2 * PAGE, MS_INVALIDATE));
    CALL(msync(s + PAGE, PAGE, MS_INVALIDATE));
    return 0;
}
