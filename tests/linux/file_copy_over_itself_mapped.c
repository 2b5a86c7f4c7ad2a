/* A file that is read into its own mapping, or written from it, at another place: page by page. */
#include "fault.h"
static int fd;
static char *p;
static void fill(void) {
    char page[PAGE];
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < PAGE; j++) page[j] = i * 16 + j / 256;
        MUST(pwrite(fd, page, PAGE, i * PAGE));
    }
}
static void show(void) {
    for (int i = 0; i < 6; i++) {
        unsigned sum = 0;
        for (int j = 0; j < PAGE; j++) sum = sum * 31 + (unsigned char)p[i * PAGE + j];
        printf("page %d: %d %d %08x\n", i, p[i * PAGE], p[i * PAGE + PAGE - 1], sum);
    }
}
int main(void) {
    char name[] = "/dev/shm/catalyzer-file-XXXXXX";
    fd = (int)MUST(mkstemp(name));
    unlink(name);
    fill();
    p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CALL(pwrite(fd, p, 3 * PAGE, PAGE));
    show();
    fill();
    CALL(pread(fd, p + 2 * PAGE, 3 * PAGE, PAGE));
    show();
    fill();
    CALL(pwrite(fd, p + 2 * PAGE, 3 * PAGE, PAGE));
    show();
    return 0;
}
