/* fallocate: what each mode does to size and content. */
#include "test.h"
static void show(int fd) {
    struct stat s;
    unsigned char buffer[40960];
    fstat(fd, &s);
    ssize_t n = pread(fd, buffer, sizeof buffer, 0);
    printf("  size %ld:", (long)s.st_size);
    for (ssize_t i = 0; i < n; i += 1024) printf("%c", buffer[i] ? buffer[i] : '.');
    printf("\n");
}
static int fresh(void) {
    int fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
    char block[4096];
    for (int i = 0; i < 6; i++) memset(block, 'a' + i, 4096), write(fd, block, 4096);
    return fd;
}
int main(void) {
    test_scratch_directory();
    static const struct { int mode; off_t at, len; } tries[] = {
        {0, 0, 100}, {0, 20000, 20000}, {0, 30000, 1}, {FALLOC_FL_KEEP_SIZE, 20000, 20000}, {FALLOC_FL_KEEP_SIZE, 40000, 10},
        {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192}, {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 9000},
        {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1024, 1024}, {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 20480, 90000},
        {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50000, 100}, {FALLOC_FL_PUNCH_HOLE, 0, 4096},
        {FALLOC_FL_ZERO_RANGE, 1024, 10240}, {FALLOC_FL_ZERO_RANGE, 20480, 10240}, {FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 20480, 10240},
        {FALLOC_FL_COLLAPSE_RANGE, 4096, 8192}, {FALLOC_FL_COLLAPSE_RANGE, 0, 4096}, {FALLOC_FL_COLLAPSE_RANGE, 100, 4096},
        {FALLOC_FL_COLLAPSE_RANGE, 4096, 100}, {FALLOC_FL_COLLAPSE_RANGE, 16384, 8192}, {FALLOC_FL_COLLAPSE_RANGE, 16384, 16384},
        {FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 4096, 4096}, {FALLOC_FL_INSERT_RANGE, 4096, 8192}, {FALLOC_FL_INSERT_RANGE, 0, 4096},
        {FALLOC_FL_INSERT_RANGE, 100, 4096}, {FALLOC_FL_INSERT_RANGE, 4096, 5}, {FALLOC_FL_INSERT_RANGE, 24576, 4096},
        {FALLOC_FL_INSERT_RANGE | FALLOC_FL_KEEP_SIZE, 4096, 4096}, {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096},
        {FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE, 0, 4096}, {0x100, 0, 4096}, {0x4, 0, 4096},
        {0, -1, 10}, {0, 10, 0}, {0, 10, -1}, {0, LONG_MAX, 10}, {0, 1L << 62, 1L << 61},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        int fd = fresh();
        printf("mode %x at %ld len %ld ", tries[i].mode, (long)tries[i].at, (long)tries[i].len);
        if (CALL(fallocate(fd, tries[i].mode, tries[i].at, tries[i].len)) == 0) show(fd);
        close(fd);
    }
    int fd = open("file", O_RDONLY), ends[2];
    CALL(fallocate(fd, 0, 0, 10));
    CALL(fallocate(77, 0, 0, 10));
    MUST(pipe(ends));
    CALL(fallocate(ends[1], 0, 0, 10));
    CALL(fallocate(open("/dev/null", O_WRONLY), 0, 0, 10));
    CALL(fallocate(open(".", O_RDONLY), 0, 0, 10));
    CALL(posix_fallocate(fd, 0, 10));
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
