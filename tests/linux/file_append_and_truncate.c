/* O_APPEND, O_TRUNC, truncate, ftruncate and fallocate. */
#include "test.h"
static void size(const char *path) {
    struct stat s;
    MUST(stat(path, &s));
    printf("size %ld\n", (long)s.st_size);
}
int main(void) {
    char text[32];
    test_scratch_directory();
    test_write_file("file", "hello");
    int fd = MUST(open("file", O_WRONLY | O_APPEND));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(write(fd, " there", 6));
    CALL(lseek(fd, 0, SEEK_CUR));
    size("file");
    CALL(ftruncate(fd, 4));
    size("file");
    CALL(write(fd, "?", 1));
    CALL(read(fd, text, 1));
    CALL(truncate("file", 8));
    size("file");
    int back = MUST(open("file", O_RDONLY));
    CALL(read(back, text, sizeof text));
    YES(memcmp(text, "hell?\0\0\0", 8) == 0);
    CALL(ftruncate(back, 1));
    CALL(ftruncate(fd, -1));
    CALL(write(back, "x", 1));
    CALL(fallocate(fd, 0, 0, 100));
    size("file");
    CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200));
    size("file");
    CALL(fallocate(fd, 0, 0, 0));
    CALL(posix_fallocate(fd, 0, 300));
    size("file");
    close(open("file", O_WRONLY | O_TRUNC));
    size("file");
    CALL(truncate("absent", 1));
    CALL(truncate(".", 1));
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
