/* madvise: values and ranges it refuses. */
#include "fault.h"
int main(void) {
    char *p = numbered_pages(4);
    int fd = numbered_file(2);
    char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CALL(madvise(p, PAGE, -1));
    CALL(madvise(p, PAGE, 5));
    CALL(madvise(p, PAGE, 7));
    CALL(madvise(p, PAGE, 99));
    CALL(madvise(p, 0, 99));
    CALL(madvise(p + 1, PAGE, MADV_NORMAL));
    CALL(madvise(p, -1UL, MADV_NORMAL));
    CALL(madvise(p, -PAGE, MADV_NORMAL));
    CALL(madvise(p + 1, 0, MADV_NORMAL));
    CALL(madvise(p, 0, MADV_DONTNEED));
    CALL(madvise((void *)(1L << 46), PAGE, MADV_NORMAL));
    CALL(madvise(shared, PAGE, MADV_FREE));
    CALL(madvise(own, PAGE, MADV_FREE));
    CALL(madvise(memory, PAGE, MADV_FREE));
    CALL(madvise(p, PAGE, MADV_REMOVE));
    CALL(madvise(own, PAGE, MADV_REMOVE));
    CALL(madvise(shared, PAGE, MADV_WIPEONFORK));
    CALL(madvise(own, PAGE, MADV_WIPEONFORK));
    CALL(madvise(memory, PAGE, MADV_WIPEONFORK));
    CALL(madvise(p, PAGE, MADV_WIPEONFORK));
    CALL(madvise(p, PAGE, MADV_KEEPONFORK));
    CALL(madvise(shared, PAGE, MADV_KEEPONFORK));
    for (int advice = MADV_NORMAL; advice <= MADV_WILLNEED; advice++) CALL(madvise(p, PAGE, advice));
    CALL(madvise(p, PAGE, MADV_DONTFORK));
    CALL(madvise(p, PAGE, MADV_DOFORK));
    CALL(madvise(p, PAGE, MADV_DONTDUMP));
    CALL(madvise(p, PAGE, MADV_DODUMP));
    CALL(madvise(p, PAGE, 20 /* MADV_COLD */));
    CALL(madvise(p, PAGE, 21 /* MADV_PAGEOUT */));
    printf("%d\n", *p);
    return 0;
}
