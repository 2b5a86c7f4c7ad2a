/* mlock, mlock2, munlock, mlockall: bad flags, holes, ranges beyond the address space. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(6);
    CALL(munmap(p + 3 * PAGE, PAGE));
    CALL(mlock(p, 6 * PAGE));
    CALL(mlock(p + 3 * PAGE, PAGE));
    CALL(munlock(p, 6 * PAGE));
    CALL(mlock(p + 5, 10));
    CALL(mlock(p, 0));
    CALL(mlock(p + 3 * PAGE, 0));
    CALL(mlock(p, -1UL));
    CALL(mlock((void *)-PAGE, PAGE));
    CALL(syscall(SYS_mlock2, p, PAGE, 0));
    CALL(syscall(SYS_mlock2, p, PAGE, 1));
    CALL(syscall(SYS_mlock2, p, PAGE, 2));
    CALL(syscall(SYS_mlock2, p + 3 * PAGE, PAGE, 1));
    CALL(mlockall(0));
    CALL(mlockall(8));
    CALL(mlockall(MCL_ONFAULT));
    CALL(mlockall(MCL_FUTURE | 4));
    CALL(munlockall());
    CALL(mlock(p, 2 * PAGE));
    CALL(madvise(p, PAGE, MADV_DONTNEED));
    CALL(madvise(p, PAGE, MADV_FREE));
    CALL(madvise(p, PAGE, 24 /* MADV_DONTNEED_LOCKED */));
    READ(p);
    CALL(munlock(p, PAGE));
    CALL(madvise(p, PAGE, MADV_DONTNEED));
    CALL(madvise(p, 2 * PAGE, MADV_DONTNEED));
    READ(p + PAGE);
    return 0;
}
