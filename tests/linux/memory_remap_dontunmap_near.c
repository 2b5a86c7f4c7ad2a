/* mremap with MREMAP_DONTUNMAP takes the new address as a hint, and checks it as if it were fixed. */
#include "fault.h"
#define DONTUNMAP 4
int main(void) {
    fault_catch();
    char *base = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p = mmap(base, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(p, 7, 2 * PAGE);
    MUST(munmap(base + 4 * PAGE, 4 * PAGE));
    PLACE(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | DONTUNMAP, base + 5 * PAGE), base);
    READ(base + 5 * PAGE);
    READ(p);
    char *q = mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | DONTUNMAP, base + 5 * PAGE);
    YES(q != MAP_FAILED && q != base + 5 * PAGE && *q == 7);
    PLACE(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | DONTUNMAP, base + 6 * PAGE + 1), base);
    PLACE(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | DONTUNMAP, p), base);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | DONTUNMAP, p + PAGE), base);
    PLACE(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | DONTUNMAP, (void *)-PAGE), base);
    return 0;
}
