/* madvise over a hole: what is mapped gets the advice, the answer is ENOMEM. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(5);
    CALL(munmap(p + 2 * PAGE, PAGE));
    CALL(madvise(p, 5 * PAGE, MADV_DONTNEED));
    READ(p);
    READ(p + 2 * PAGE);
    READ(p + 4 * PAGE);
    CALL(madvise(p + 2 * PAGE, PAGE, MADV_NORMAL));
    CALL(madvise(p, 3 * PAGE, MADV_WILLNEED));
    CALL(madvise(p, 3 * PAGE, MADV_DONTFORK));
    CALL(madvise(p, 5 * PAGE, MADV_DOFORK));
    CALL(madvise(p, 5 * PAGE, 22 /* MADV_POPULATE_READ */));
    CALL(mprotect(p + 3 * PAGE, PAGE, PROT_NONE));
    CALL(madvise(p + 3 * PAGE, 2 * PAGE, MADV_DONTNEED));
    CALL(madvise(p + 3 * PAGE, PAGE, 22));
    CALL(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
    CALL(madvise(p + 3 * PAGE, PAGE, 22));
    CALL(madvise(p + 3 * PAGE, PAGE, 23 /* MADV_POPULATE_WRITE */));
    CALL(madvise(p + 4 * PAGE, PAGE, 23));
    int fd = numbered_file(1);
    char *file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CALL(madvise(file, PAGE, 22));
    CALL(madvise(file, 2 * PAGE, 22));
    CALL(madvise(file + PAGE, PAGE, 23));
    return 0;
}
