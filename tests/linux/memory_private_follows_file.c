/* A private mapping follows the file page by page until a page is written to; MADV_DONTNEED makes it follow again. */
#include "fault.h"
int main(void) {
    int fd = numbered_file(3);
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *s = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
#define SHOW() printf("%d %d %d\n", p[0], p[PAGE], p[2 * PAGE])
    SHOW();
    CALL(pwrite(fd, "\x0b", 1, 0));
    s[PAGE] = 12;
    SHOW();
    p[PAGE + 1] = 1;
    s[PAGE] = 22;
    CALL(pwrite(fd, "\x20", 1, 2 * PAGE));
    SHOW();
    printf("%d\n", s[PAGE + 1]);
    CALL(madvise(p, 3 * PAGE, MADV_DONTNEED));
    SHOW();
    printf("%d\n", p[PAGE + 1]);
    p[2 * PAGE] = 99;
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 3 * PAGE));
    SHOW();
    CALL(munmap(s, 3 * PAGE));
    CALL(close(fd));
    SHOW();
    return 0;
}
