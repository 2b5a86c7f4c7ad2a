/* Interpreter of random programs of memory maps.
 *
 * All happens in a window of pages at a fixed place, so that results don't depend on where the kernel puts things: what
 * it chooses itself is looked at and unmapped at once. Three files of tmpfs, of which the last one is a memory file: other file
 * systems leave traces of calls that failed. */
#include "random.h"
#define WINDOW ((char *)0x200000000000)
#define PAGES 48
#define FILES 3
static int files[FILES];
static char *brk_start;

/* What a page of the window holds: its sum, or the fault. */
static void look(char *page) {
    if (sigsetjmp(fault_back, 1) == 0) printf(" %08x", sum_of((unsigned char *)page, PAGE));
    else if (fault_signal == SIGBUS) fputs(" bus", stdout);
    else fputs(fault_code == SEGV_MAPERR ? " hole" : " closed", stdout);
}
static void look_at(char *start, long pages) {
    for (long i = 0; i < pages; i++) look(start + i * PAGE);
}
/* Writes some bytes to each page of a range, as far as it may. */
static void scribble(char *start, long pages, long seed) {
    long done = 0, refused = 0;
    for (long i = 0; i < pages; i++) {
        volatile char *page = start + i * PAGE;
        if (sigsetjmp(fault_back, 1) == 0) {
            for (int j = 0; j < 3; j++) page[(seed * 131 + i * 17 + j * 1361) & 4095] = seed + i + j;
            done++;
        } else refused++;
    }
    printf("%d touch ok %ld %ld", line_number, done, refused);
}
/* How much may be copied between the beginning of a page and this place in a file: not between parts of a page that
 * overlap, since the page may be the same, and then the processor matters. */
static long apart(long count, long offset) {
    long within = offset % PAGE, most = within < PAGE / 2 ? within : PAGE - within;
    return within == 0 || count < most ? count : most;
}
/* What mappings wrote behind the end of a file, in its last page: tmpfs shows it when the file grows, other file systems
 * and the sandbox don't. So it goes before a file may grow. */
static void clear_tail(int fd) {
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size % PAGE == 0) return;
    char *last = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, st.st_size & -PAGE);
    if (last == MAP_FAILED) MUST(-1);
    memset(last + st.st_size % PAGE, 0, PAGE - st.st_size % PAGE);
    munmap(last, PAGE);
}
/* A mapping that the kernel placed: looks at it and takes it away. */
static void elsewhere(char *at, long pages) {
    fputs(" elsewhere", stdout);
    look_at(at, pages);
    munmap(at, pages * PAGE);
}
static void placed(char *at, long pages) {
    result(at != MAP_FAILED);
    if (at == MAP_FAILED) return;
    if (at >= WINDOW && at + pages * PAGE <= WINDOW + PAGES * PAGE) printf(" %ld", (at - WINDOW) / PAGE);
    else elsewhere(at, pages);
}
/* What /proc/self/maps says of the window, with neighbours that are alike joined. Without stdio, whose memory would
 * move the break. */
static void list(void) {
    static char text[1 << 16];
    char before_bits[8] = "";
    unsigned long before_end = 0, before_offset = 0, len = 0;
    bool before_named = false;
    int fd = open("/proc/self/maps", O_RDONLY);
    for (long got; (got = read(fd, text + len, sizeof text - 1 - len)) > 0; len += got) {}
    close(fd);
    text[len] = 0;
    result(len > 0);
    for (char *line = text, *next; (next = strchr(line, '\n')); line = next + 1) {
        unsigned long start, end, offset, inode;
        char bits[8];
        *next = 0;
        if (sscanf(line, "%lx-%lx %7s %lx %*s %lu", &start, &end, bits, &offset, &inode) != 5) continue;
        if (start < (unsigned long)WINDOW || end > (unsigned long)WINDOW + PAGES * PAGE) continue;
        bool named = inode != 0 && strchr(line, '/') && !strstr(line, "/dev/zero");
        if (!named) offset = 0;
        bool joins = start == before_end && strcmp(bits, before_bits) == 0 && named == before_named &&
                     (!named || offset == before_offset);
        if (!joins)
            printf(" %ld%s%s%ld", (long)(start - (unsigned long)WINDOW) / PAGE, bits, named ? "f" : "a",
                   named ? (long)(offset / PAGE) : 0);
        before_end = end, before_offset = offset + (end - start), before_named = named;
        strcpy(before_bits, bits);
    }
}
int main(void) {
    static char big[1 << 16];
    static char input[1 << 12];
    setvbuf(stdout, big, _IOFBF, sizeof big);
    setvbuf(stdin, input, _IOFBF, sizeof input);
    fault_catch();
    for (int i = 0; i < FILES - 1; i++) {
        char name[] = "/dev/shm/catalyzer-random-XXXXXX";
        files[i] = MUST(mkstemp(name));
        unlink(name);
    }
    files[FILES - 1] = MUST(memfd_create("random", 0));
    brk_start = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);
    brk(brk_start);
    char buffer[2 * PAGE];
    while (next_operation()) {
        char *at = WINDOW + argument[0] * PAGE;
        size_t len = argument[1] * PAGE;
        int fd = argument[4] < 0 || argument[4] >= FILES ? -1 : files[argument[4]];
        errno = 0;
        if (is("mmap")) /* page pages prot flags file offset */
            placed(mmap(at, len, argument[2], argument[3], fd, argument[5] * PAGE), argument[1]);
        else if (is("munmap")) result(munmap(at, len) == 0);
        else if (is("mprotect")) result(mprotect(at, len, argument[2]) == 0);
        else if (is("mremap")) { /* page pages new_pages flags to */
            /* Joined with the mapping it comes from, a locked page that leaves one behind is not locked any more: but only
             * if it was never touched, which the kernel of the sandbox does not know. */
            if (argument[3] & 4)
                for (int i = -1; i <= 1; i += 2) munlock(WINDOW + (argument[4] + i) * PAGE, PAGE);
            errno = 0;
            placed(mremap(at, len, argument[2] * PAGE, argument[3], WINDOW + argument[4] * PAGE), argument[2]);
        }
        else if (is("madvise")) result(madvise(at, len, argument[2]) == 0);
        else if (is("msync")) result(msync(at, len, argument[2]) == 0);
        else if (is("mlock")) result(mlock(at, len) == 0);
        else if (is("munlock")) result(munlock(at, len) == 0);
        else if (is("touch")) scribble(at, argument[1], argument[2]);
        else if (is("look")) result(true), look_at(at, argument[1]);
        else if (is("list")) list();
        else if (is("brk")) { /* pages */
            result(brk(brk_start + argument[0] * PAGE) == 0);
            look_at(brk_start, 4);
        } else if (is("brkput")) {
            scribble(brk_start, argument[1], argument[2]);
        } else if (is("truncate")) /* bytes, -, -, -, file */
            clear_tail(fd), result(ftruncate(fd, argument[0]) == 0);
        else if (is("pwrite")) { /* offset bytes seed - file */
            long count = argument[1] > (long)sizeof buffer ? (long)sizeof buffer : argument[1];
            for (long i = 0; i < count; i++) buffer[i] = argument[2] + i * 7;
            clear_tail(fd);
            long done = pwrite(fd, buffer, count, argument[0]);
            result(done >= 0);
            printf(" %ld", done);
        } else if (is("punch")) { /* offset bytes - - file */
            result(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, argument[0], argument[1]) == 0);
        } else if (is("contents")) { /* - - - - file */
            struct stat st;
            fstat(fd, &st);
            uint32_t sum = 0;
            for (long offset = 0, got; (got = pread(fd, buffer, sizeof buffer, offset)) > 0; offset += got)
                sum = sum * 31 + sum_of((unsigned char *)buffer, got);
            result(true);
            printf(" %ld %08x", (long)st.st_size, sum);
        } else if (is("pread")) { /* page bytes offset - file: into the window */
            long done = pread(fd, at, apart(argument[1], argument[2]), argument[2]);
            result(done >= 0);
            printf(" %ld", done);
        } else if (is("putmem")) { /* page bytes offset - file: from the window */
            /* Not behind the end: Linux from 6.15 on leaves the file longer there when it can't read a byte. */
            struct stat st;
            clear_tail(fd);
            fstat(fd, &st);
            long offset = argument[2] < st.st_size ? argument[2] : st.st_size;
            long done = pwrite(fd, at, apart(argument[1], offset), offset);
            result(done >= 0);
            printf(" %ld", done);
        } else printf("%d %s unknown", line_number, operation);
        end_line();
    }
    printf("end");
    look_at(WINDOW, PAGES);
    end_line();
    return 0;
}
