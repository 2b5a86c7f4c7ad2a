/* A locked private mapping of a file that mremap makes longer has its own copies of the new pages at once. */
#include "fault.h"
int main(void) {
    char name[] = "/dev/shm/catalyzer-file-XXXXXX", page[PAGE];
    int fd = (int)MUST(mkstemp(name));
    unlink(name);
    for (int i = 0; i < 8; i++) memset(page, i + 1, PAGE), MUST(write(fd, page, PAGE));
    fault_catch();
    char *base = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *p = mmap(base, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    MUST(munmap(base + PAGE, 2 * PAGE));
    MUST(mlock(p, PAGE));
    PLACE(mremap(p, PAGE, 2 * PAGE, 0), base);
    PLACE(mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + 8 * PAGE), base);
    char *free_page = mmap(base, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 4 * PAGE);
    MUST(munmap(base + PAGE, PAGE));
    PLACE(mremap(free_page, PAGE, 2 * PAGE, 0), base);
    memset(page, 99, PAGE);
    for (int i = 0; i < 8; i++) MUST(pwrite(fd, page, PAGE, i * PAGE));
    for (int i = 0; i < 4; i++) READ(base + (8 + i) * PAGE);
    READ(base);
    READ(base + PAGE);
    return 0;
}
