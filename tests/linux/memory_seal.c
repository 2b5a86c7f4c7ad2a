/* mseal: what is sealed can't be unmapped, protected, moved or discarded; its refusals. */
#include "test.h"
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
static long seal(void *at, size_t len, unsigned long flags) { return syscall(SYS_mseal, at, len, flags); }
int main(void) {
    char *a = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(a + 2 * PAGE, "kept");
    CALL(seal(a, PAGE, 1));
    CALL(seal(a + 1, PAGE, 0));
    CALL(seal(a, -1UL, 0));
    CALL(seal(a, 0, 0));
    CALL(munmap(a + 7 * PAGE, PAGE));
    CALL(seal(a + 6 * PAGE, 2 * PAGE, 0));
    CALL(seal(a + 2 * PAGE, 2 * PAGE, 0));
    CALL(seal(a + 2 * PAGE, 2 * PAGE, 0));
    CALL(munmap(a, 4 * PAGE));
    CALL(munmap(a + 3 * PAGE, PAGE));
    CALL(mprotect(a + 2 * PAGE, PAGE, PROT_READ));
    CALL(mprotect(a, 3 * PAGE, PROT_READ));
    CALL((long)mremap(a + 2 * PAGE, 2 * PAGE, PAGE, 0));
    CALL((long)mremap(a + 2 * PAGE, 2 * PAGE, 16 * PAGE, MREMAP_MAYMOVE));
    CALL((long)mremap(a + 5 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, a + 2 * PAGE));
    CALL((long)mmap(a + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CALL(madvise(a + 2 * PAGE, PAGE, MADV_DONTNEED)); /* it could be written to: that is allowed */
    CALL(madvise(a + 2 * PAGE, PAGE, MADV_WILLNEED));
    char *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(b, "still here");
    MUST(mprotect(b, PAGE, PROT_READ));
    CALL(seal(b, PAGE, 0));
    CALL(madvise(b, PAGE, MADV_DONTNEED));
    CALL(madvise(b, PAGE, MADV_FREE));
    puts(b);
    CALL(munmap(a, 2 * PAGE));
    CALL(munmap(a + 4 * PAGE, PAGE));
    a[3 * PAGE] = 1;
    return 0;
}
