/* mincore: touched pages are present, those behind the end of a file are not; what it refuses. */
#include "fault.h"
static unsigned char present[16];
static void show(int pages) {
    for (int i = 0; i < pages; i++) putchar(present[i] & 1 ? '1' : '0');
    putchar('\n');
}
int main(void) {
    char *p = numbered_pages(8);
    CALL(mincore(p, 8 * PAGE, present));
    show(8);
    CALL(mincore(p + PAGE, 1, present));
    show(1);
    CALL(mincore(p + 1, PAGE, present));
    CALL(mincore(p, 0, present));
    CALL(mincore(p, PAGE, NULL));
    CALL(mincore(p, 2 * PAGE, (unsigned char *)1));
    CALL(mincore(p, -1UL, present));
    CALL(mincore(p, -PAGE, present));
    CALL(munmap(p + 6 * PAGE, PAGE));
    CALL(mincore(p, 8 * PAGE, present));
    CALL(mincore(p + 6 * PAGE, PAGE, present));
    int fd = numbered_file(2);
    char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    s[0] = s[PAGE] = 1;
    CALL(mincore(s, 4 * PAGE, present));
    show(4);
    return 0;
}
