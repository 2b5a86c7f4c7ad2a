/* MAP_32BIT: below 2 GiB, unless a hint or MAP_FIXED says otherwise. */
#include "fault.h"
#define LOW(at, how) mmap(at, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | how, -1, 0)
int main(void) {
    char *one = LOW(NULL, 0), *two = LOW(NULL, 0);
    YES(one != MAP_FAILED && (uintptr_t)one + 4 * PAGE <= 1UL << 31);
    YES(two != MAP_FAILED && (uintptr_t)two + 4 * PAGE <= 1UL << 31);
    YES(one + 4 * PAGE <= two || two + 4 * PAGE <= one);
    one[0] = two[0] = 1;
    char *high = numbered_pages(4);
    CALL(munmap(high, 4 * PAGE));
    YES(LOW(high, MAP_FIXED) == high);
    YES(mmap(NULL, 1UL << 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_NORESERVE, -1, 0) == MAP_FAILED);
    YES(errno == ENOMEM);
    return 0;
}
