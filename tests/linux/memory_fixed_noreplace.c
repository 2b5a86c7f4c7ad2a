/* MAP_FIXED_NOREPLACE never takes what is there; MAP_FIXED does, and splits. */
#include "fault.h"
#define MAP(at, len, how) mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | how, -1, 0)
int main(void) {
    fault_catch();
    char *p = numbered_pages(8);
    CALL(munmap(p + 3 * PAGE, 2 * PAGE));
    PLACE(MAP(p, PAGE, MAP_FIXED_NOREPLACE), p);
    PLACE(MAP(p + 2 * PAGE, 2 * PAGE, MAP_FIXED_NOREPLACE), p);
    PLACE(MAP(p + 4 * PAGE, 2 * PAGE, MAP_FIXED_NOREPLACE), p);
    PLACE(MAP(p + 3 * PAGE, 2 * PAGE, MAP_FIXED_NOREPLACE), p);
    READ(p + 3 * PAGE);
    PLACE(MAP(p + 3 * PAGE, PAGE, MAP_FIXED_NOREPLACE | MAP_FIXED), p);
    PLACE(MAP(p + 3 * PAGE + 1, PAGE, MAP_FIXED_NOREPLACE), p);
    PLACE(MAP(p + PAGE, PAGE, MAP_FIXED), p);
    READ(p);
    READ(p + PAGE);
    READ(p + 2 * PAGE);
    PLACE(MAP(p + 1, PAGE, MAP_FIXED), p);
    PLACE(MAP((void *)-PAGE, PAGE, MAP_FIXED), p);
    PLACE(MAP((char *)(1L << 62), PAGE, MAP_FIXED), p);
    CALL(munmap(p + 6 * PAGE, PAGE));
    /* A hint that is free is taken, one that is not is only a hint. */
    PLACE(MAP(p + 6 * PAGE + 5, PAGE, 0), p);
    /* Its page is the one it points into. */
    CALL(munmap(p + 4 * PAGE, 2 * PAGE));
    PLACE(MAP(p + 4 * PAGE + 5, PAGE, 0), p);
    YES(MAP(p, PAGE, 0) != p);
    return 0;
}
