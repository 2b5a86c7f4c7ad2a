/* Offsets beyond the longest file. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0600));
    char c = 'x';
    CALL(pwrite(fd, &c, 1, LONG_MAX));
    CALL(pwrite(fd, &c, 0, LONG_MAX));
    CALL(pwrite(fd, &c, 1, -1));
    CALL(pread(fd, &c, 1, LONG_MAX));
    CALL(pread(fd, &c, 1, -1));
    CALL(ftruncate(fd, LONG_MAX));
    CALL(ftruncate(fd, -1));
    CALL(truncate("file", -1));
    CALL(truncate("file", LONG_MAX));
    CALL(ftruncate(fd, 1L << 40));
    struct stat s;
    fstat(fd, &s);
    printf("size %ld blocks %ld\n", (long)s.st_size, (long)s.st_blocks);
    CALL(pwrite(fd, &c, 1, (1L << 40) - 1));
    CALL(pread(fd, &c, 1, (1L << 40) - 1));
    CALL(pread(fd, &c, 1, 1L << 40));
    CALL(lseek(fd, 0, SEEK_DATA) == (1L << 40) - 4096);
    CALL(ftruncate(fd, 0));
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
