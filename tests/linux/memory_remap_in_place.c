/* mremap without MREMAP_MAYMOVE: shrinks, grows into free pages, and refuses when something is behind. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *p = numbered_pages(6);
    PLACE(mremap(p, 6 * PAGE, 4 * PAGE, 0), p);
    READ(p + 3 * PAGE);
    READ(p + 4 * PAGE);
    PLACE(mremap(p, 4 * PAGE, 6 * PAGE, 0), p);
    READ(p + 4 * PAGE);
    READ(p + 3 * PAGE);
    CALL(munmap(p + 4 * PAGE, 2 * PAGE));
    PLACE(mmap(p + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), p);
    PLACE(mremap(p, 4 * PAGE, 6 * PAGE, 0), p);
    PLACE(mremap(p, 4 * PAGE, 5 * PAGE, 0), p);
    READ(p + 4 * PAGE);
    PLACE(mremap(p + PAGE, 2 * PAGE, PAGE, 0), p);
    READ(p + PAGE);
    READ(p + 2 * PAGE);
    READ(p + 3 * PAGE);
    PLACE(mremap(p, PAGE, PAGE, 0), p);
    return 0;
}
