/* Holes: SEEK_DATA, SEEK_HOLE, blocks, reading across them. */
#include "test.h"
static void map(int fd) {
    off_t size = lseek(fd, 0, SEEK_END), at = 0;
    printf("size %ld:", (long)size);
    for (int i = 0; i < 20 && at < size; i++) {
        off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0) { printf(" end %s", test_errno_name(errno)); break; }
        off_t hole = lseek(fd, data, SEEK_HOLE);
        printf(" [%ld %ld)", (long)data, (long)hole);
        at = hole;
    }
    printf("\n");
}
int main(void) {
    test_scratch_directory();
    char buffer[100], zeros[100] = {0};
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0600));
    map(fd);
    CALL(lseek(fd, 0, SEEK_DATA));
    CALL(lseek(fd, 0, SEEK_HOLE));
    CALL(pwrite(fd, "a", 1, 1 << 20));
    map(fd);
    CALL(pwrite(fd, "b", 1, 8192));
    map(fd);
    struct stat s;
    fstat(fd, &s);
    printf("blocks %ld\n", (long)s.st_blocks);
    CALL(pread(fd, buffer, 100, 100));
    YES(memcmp(buffer, zeros, 100) == 0);
    CALL(pread(fd, buffer, 100, 8150));
    printf("%c %d\n", buffer[42], buffer[43]);
    CALL(ftruncate(fd, 3 << 20));
    map(fd);
    CALL(ftruncate(fd, (1 << 20) + 1));
    map(fd);
    CALL(lseek(fd, 10000, SEEK_DATA));
    CALL(lseek(fd, 12288, SEEK_HOLE));
    CALL(lseek(fd, 1 << 20, SEEK_DATA));
    CALL(lseek(fd, (1 << 20) + 1, SEEK_DATA));
    CALL(lseek(fd, (1 << 20) + 1, SEEK_HOLE));
    CALL(lseek(fd, 4 << 20, SEEK_HOLE));
    CALL(lseek(fd, -1, SEEK_DATA));
    CALL(lseek(fd, -1, SEEK_HOLE));
    CALL(lseek(fd, 0, 5));
    CALL(lseek(fd, -1, SEEK_SET));
    CALL(lseek(fd, -2000000, SEEK_END));
    CALL(lseek(fd, 5, SEEK_SET));
    CALL(lseek(fd, -6, SEEK_CUR));
    CALL(lseek(fd, LONG_MAX, SEEK_CUR));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(lseek(77, 0, SEEK_CUR));
    int ends[2];
    MUST(pipe(ends));
    CALL(lseek(ends[0], 0, SEEK_CUR));
    CALL(lseek(ends[0], 0, SEEK_DATA));
    CALL(lseek(ends[0], 0, 9));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 << 20));
    map(fd);
    fstat(fd, &s);
    printf("blocks %ld\n", (long)s.st_blocks);
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
