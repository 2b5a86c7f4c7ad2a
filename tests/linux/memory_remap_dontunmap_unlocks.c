/* mremap with MREMAP_DONTUNMAP: of the mapping that the pages come from nothing is locked any more. */
#include "fault.h"
#define DONTUNMAP 4
int main(void) {
    char *base = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p = mmap(base, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(mlock(p, 4 * PAGE));
    CALL(madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED));
    PLACE(mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | DONTUNMAP, base + 8 * PAGE), base);
    CALL(madvise(p + PAGE, PAGE, MADV_DONTNEED));
    CALL(madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED));
    CALL(madvise(base + 8 * PAGE, PAGE, MADV_DONTNEED));
    return 0;
}
