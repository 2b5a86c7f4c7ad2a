/* truncate and ftruncate: kinds, refusals, what is left behind the new end. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    test_write_file("file", "0123456789"), MUST(mkdir("dir", 0755)), MUST(symlink("file", "link")), MUST(symlink("loop", "loop"));
    char out[64];
    int fd = MUST(open("file", O_RDWR)), r = MUST(open("file", O_RDONLY)), ends[2];
    MUST(pipe(ends));
    CALL(truncate("file", 4));
    CALL(truncate("file", 8));
    CALL(pread(fd, out, 64, 0));
    YES(memcmp(out, "0123\0\0\0\0", 8) == 0);
    CALL(truncate("link", 2));
    CALL(pread(fd, out, 64, 0));
    CALL(truncate("dir", 0));
    CALL(truncate("dir", -1));
    CALL(truncate("absent", 0));
    CALL(truncate("file/", 0));
    CALL(truncate("file/x", 0));
    CALL(truncate("loop", 0));
    CALL(truncate("", 0));
    CALL(truncate((char *)8, 0));
    CALL(truncate("file", -1));
    CALL(ftruncate(r, 0));
    CALL(ftruncate(fd, -1));
    CALL(ftruncate(ends[1], 0));
    CALL(ftruncate(77, 0));
    CALL(ftruncate(open("dir", O_RDONLY), 0));
    lseek(fd, 100, SEEK_SET);
    CALL(ftruncate(fd, 5));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(write(fd, "x", 1));
    CALL(pread(r, out, 64, 90));
    struct stat s;
    fstat(fd, &s), printf("size %ld\n", (long)s.st_size);
    CALL(ftruncate(fd, 0));
    CALL(read(fd, out, 64));
    /* A mapping sees the file shrink and grow. */
    CALL(ftruncate(fd, 8192));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[0] = 'a', map[5000] = 'b';
    CALL(ftruncate(fd, 4096));
    CALL(ftruncate(fd, 8192));
    printf("%d %d\n", map[0], map[5000]);
    CALL(pread(fd, out, 1, 5000));
    printf("%d\n", out[0]);
    unlink("file"), unlink("link"), unlink("loop"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
