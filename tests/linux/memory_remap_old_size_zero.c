/* mremap with an old length of 0: a second mapping of shared memory; private memory and holes are refused. */
#include "fault.h"
int main(void) {
    fault_catch();
    char *s = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    s[PAGE] = 5;
    char *q = mremap(s, 0, 3 * PAGE, MREMAP_MAYMOVE);
    YES(q != MAP_FAILED && q != s);
    READ(q + PAGE);
    q[2 * PAGE] = 6;
    READ(s + 2 * PAGE);
    char *r = mremap(s + PAGE, 0, PAGE, MREMAP_MAYMOVE);
    YES(r != MAP_FAILED && *r == 5);
    PLACE(mremap(s, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q), q);
    WRITE(q, 8);
    READ(s);
    PLACE(mremap(s, 0, PAGE, 0), s);
    PLACE(mremap(s, 0, 0, MREMAP_MAYMOVE), s);
    char *p = numbered_pages(2);
    PLACE(mremap(p, 0, PAGE, MREMAP_MAYMOVE), p);
    CALL(munmap(p, 2 * PAGE));
    PLACE(mremap(p, 0, PAGE, MREMAP_MAYMOVE), p);
    CALL(munmap(s, 3 * PAGE));
    READ(q + 2 * PAGE);
    return 0;
}
