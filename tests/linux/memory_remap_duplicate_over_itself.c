/* mremap with an old length of 0 to a fixed place: what is there goes first, even the memory itself. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *base = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int flags = MAP_ANONYMOUS | MAP_FIXED, bits = PROT_READ | PROT_WRITE;
    char *p = mmap(base, 4 * PAGE, bits, MAP_SHARED | flags, -1, 0);
    memset(p + PAGE, 5, PAGE);
    PLACE(mremap(p, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), base);
    READ(p);
    PLACE(mremap(p + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE), base);
    READ(p + PAGE);
    READ(p + 2 * PAGE);
    READ(p + 3 * PAGE);
    char *q = mmap(base + 8 * PAGE, 2 * PAGE, bits, MAP_PRIVATE | flags, -1, 0);
    PLACE(mremap(q, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + 10 * PAGE), base);
    READ(base + 10 * PAGE);
    PLACE(mremap(base + 10 * PAGE, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + 12 * PAGE), base);
    READ(base + 12 * PAGE);
    return 0;
}
