/* mremap over holes and over regions that differ answers EFAULT when it grows; unmapped memory always. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(8);
    CALL(munmap(p + 2 * PAGE, PAGE));
    CALL(mprotect(p + 5 * PAGE, PAGE, PROT_READ));
    PLACE(mremap(p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), p);
    PLACE(mremap(p + 4 * PAGE, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), p);
    PLACE(mremap(p + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE), p);
    PLACE(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), p);
    PLACE(mremap(NULL, PAGE, 2 * PAGE, MREMAP_MAYMOVE), p);
    PLACE(mremap(p, PAGE, (size_t)1 << 62, MREMAP_MAYMOVE), p);
    PLACE(mremap(p, PAGE, -PAGE, 0), p);
    READ(p);
    READ(p + 4 * PAGE);
    READ(p + 5 * PAGE);
    READ(p + 7 * PAGE);
    return 0;
}
