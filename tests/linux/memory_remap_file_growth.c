/* A mapping of a file that mremap makes longer than the file: SIGBUS behind the end, content after the file grew. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = numbered_file(2);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p = mremap(p, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    YES(p != MAP_FAILED);
    READ(p);
    READ(p + PAGE);
    READ(p + 2 * PAGE);
    WRITE(p + 3 * PAGE, 1);
    CALL(ftruncate(fd, 3 * PAGE + 1));
    READ(p + 2 * PAGE);
    WRITE(p + 3 * PAGE, 4);
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    q = mremap(q, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    READ(q);
    READ(q + 2 * PAGE);
    READ(q + 3 * PAGE);
    char *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    a = mremap(a, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
    READ(a);
    READ(a + PAGE);
    return 0;
}
