/* madvise over several mappings goes from one to the next and ends at the first that refuses. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(6);
    MUST(mlock(p + 2 * PAGE, PAGE));
    CALL(madvise(p, 4 * PAGE, MADV_DONTNEED));
    READ(p);
    READ(p + PAGE);
    READ(p + 2 * PAGE);
    READ(p + 3 * PAGE);
    CALL(madvise(p, 4 * PAGE, MADV_COLD));
    char *base = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char name[] = "/dev/shm/catalyzer-file-XXXXXX", page[PAGE];
    int fd = (int)MUST(mkstemp(name)), bits = PROT_READ | PROT_WRITE;
    unlink(name);
    for (int i = 0; i < 4; i++) memset(page, i + 1, PAGE), MUST(write(fd, page, PAGE));
    mmap(base, 2 * PAGE, bits, MAP_SHARED | MAP_FIXED, fd, 0);
    mmap(base + 2 * PAGE, 2 * PAGE, bits, MAP_PRIVATE | MAP_FIXED, fd, 2 * PAGE);
    mmap(base + 4 * PAGE, PAGE, bits, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(madvise(base, 5 * PAGE, MADV_REMOVE));
    for (int i = 0; i < 4; i++) READ(base + i * PAGE);
    CALL(madvise(base + 2 * PAGE, 3 * PAGE, MADV_REMOVE));
    CALL(madvise(base + 4 * PAGE, PAGE, MADV_REMOVE));
    CALL(madvise(base + 2 * PAGE, 3 * PAGE, MADV_WIPEONFORK));
    MUST(munmap(base + 2 * PAGE, PAGE));
    CALL(madvise(base, 4 * PAGE, MADV_REMOVE));
    CALL(madvise(base, 2 * PAGE, MADV_FREE));
    return 0;
}
