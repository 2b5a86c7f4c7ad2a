/* mremap with MREMAP_DONTUNMAP: the old pages are empty again, and the lengths must be the same. */
#include "fault.h"
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
int main(void) {
    fault_catch();
    char *p = numbered_pages(8);
    PLACE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p + 4 * PAGE), p);
    READ(p);
    READ(p + 4 * PAGE);
    WRITE(p, 9);
    READ(p + 4 * PAGE);
    char *q = mremap(p + 4 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    YES(q != MAP_FAILED && *q == 1 && p[4 * PAGE] == 0);
    PLACE(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), p);
    PLACE(mremap(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), p);
    PLACE(mremap(p, PAGE, PAGE, MREMAP_DONTUNMAP, NULL), p);
    PLACE(mremap(p, 0, 0, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), p);
    int fd = numbered_file(2);
    char *file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    q = mremap(file, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    YES(q != MAP_FAILED && q[PAGE] == 2 && file[PAGE] == 2);
    q[PAGE] = 7;
    READ(file + PAGE);
    return 0;
}
