/* Advice about how memory is used makes a mapping of its own in /proc/self/maps, until it is like its neighbours again. */
#include "test.h"
static char *p;
static void list(const char *when) {
    static char text[1 << 16];
    size_t len = 0;
    int fd = open("/proc/self/maps", O_RDONLY);
    for (ssize_t got; (got = read(fd, text + len, sizeof text - 1 - len)) > 0;) len += got;
    close(fd);
    text[len] = 0;
    printf("%s:", when);
    for (char *line = text, *next; (next = strchr(line, '\n')); line = next + 1) {
        unsigned long start, end;
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start >= (unsigned long)p && end <= (unsigned long)p + 8 * PAGE)
            printf(" %ld-%ld", (start - (unsigned long)p) / PAGE, (end - (unsigned long)p) / PAGE);
    }
    putchar('\n');
}
int main(void) {
    char *base = mmap(NULL, 10 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p = mmap(base + PAGE, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    list("new");
    int advice[] = {MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_NORMAL, MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP,
                    MADV_DODUMP, MADV_COLD};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
        CALL(madvise(p + 2 * PAGE, 2 * PAGE, advice[i]));
        list("then");
    }
    CALL(madvise(p, 4 * PAGE, MADV_RANDOM));
    CALL(madvise(p + PAGE, 2 * PAGE, MADV_SEQUENTIAL));
    list("three");
    CALL(madvise(p, 8 * PAGE, MADV_SEQUENTIAL));
    list("one");
    return 0;
}
