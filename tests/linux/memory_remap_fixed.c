/* mremap with MREMAP_FIXED: moves onto what is there; overlaps, bad addresses and lengths are refused. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(8);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE), p);
    READ(p);
    READ(p + 4 * PAGE);
    READ(p + 5 * PAGE);
    READ(p + 6 * PAGE);
    PLACE(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), p);
    READ(p);
    READ(p + PAGE);
    READ(p + 2 * PAGE);
    PLACE(mremap(p + 6 * PAGE, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE), p);
    READ(p + 2 * PAGE);
    READ(p + 6 * PAGE);
    READ(p + 7 * PAGE);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_FIXED, p + 6 * PAGE), p);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), p);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 6 * PAGE + 1), p);
    PLACE(mremap(p, 2 * PAGE, 0, MREMAP_MAYMOVE | MREMAP_FIXED, p + 6 * PAGE), p);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)-PAGE), p);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | 8), p);
    PLACE(mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE), p);
    READ(p);
    return 0;
}
