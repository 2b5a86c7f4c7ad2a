/* madvise: DONTNEED zeroes anonymous memory and re-reads files; unknown advice is refused. */
#include "test.h"
int main(void) {
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 3, 8 * PAGE);
    CALL(madvise(p + 2 * PAGE, 2 * PAGE, MADV_DONTNEED));
    printf("%d %d %d %d\n", p[PAGE], p[2 * PAGE], p[3 * PAGE], p[4 * PAGE]);
    CALL(madvise(p, 8 * PAGE, MADV_WILLNEED));
    CALL(madvise(p, 8 * PAGE, MADV_NORMAL));
    CALL(madvise(p, 8 * PAGE, MADV_SEQUENTIAL));
    CALL(madvise(p, 8 * PAGE, MADV_DONTFORK));
    CALL(madvise(p, PAGE, MADV_FREE));
    p[0] = 4;
    YES(p[0] == 4);
    CALL(madvise(p + 1, PAGE, MADV_DONTNEED));
    CALL(madvise(p, PAGE, 9999));
    CALL(madvise(p, 0, MADV_DONTNEED));
    munmap(p + 4 * PAGE, PAGE);
    CALL(madvise(p + 3 * PAGE, 3 * PAGE, MADV_DONTNEED));
    printf("%d %d\n", p[3 * PAGE], p[5 * PAGE]);
    int fd = MUST(open("/usr/bin/env", O_RDONLY));
    char *file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    file[1] = 'X';
    CALL(madvise(file, PAGE, MADV_DONTNEED));
    YES(file[1] == 'E');
    unsigned char resident[2];
    CALL(mincore(p, PAGE, resident));
    return 0;
}
