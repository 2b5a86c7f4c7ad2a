/* Two private mappings of one file don't see each other's writes, whatever part they show. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = numbered_file(4);
    char *a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *b = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
    a[PAGE] = 51;
    b[PAGE] = 52;
    printf("%d %d %d %d\n", a[PAGE], b[0], a[2 * PAGE], b[PAGE]);
    PLACE(mmap(a + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), a);
    printf("%d %d %d\n", a[PAGE], a[2 * PAGE], a[3 * PAGE]);
    WRITE(a + 2 * PAGE, 1);
    CALL(mprotect(a + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
    WRITE(a + 2 * PAGE, 1);
    PLACE(mremap(a, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, b), b);
    READ(a + PAGE);
    READ(b + PAGE);
    READ(b);
    char page[PAGE];
    CALL(pread(fd, page, PAGE, PAGE) == PAGE && page[0] == 2);
    return 0;
}
