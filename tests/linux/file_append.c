/* O_APPEND: every write goes to the end, whatever the position or offset. */
#include "test.h"
static void show(int fd) {
    char out[64];
    ssize_t n = pread(open("file", O_RDONLY), out, 64, 0);
    printf("  \"%.*s\" at %ld\n", (int)n, out, (long)lseek(fd, 0, SEEK_CUR));
}
static void *append(void *name) {
    int fd = open("shared", O_WRONLY | O_APPEND);
    for (int i = 0; i < 500; i++) write(fd, name, 4);
    close(fd);
    return NULL;
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "start");
    int fd = MUST(open("file", O_RDWR | O_APPEND));
    CALL(write(fd, "1", 1)), show(fd);
    CALL(pwrite(fd, "2", 1, 0)), show(fd);
    CALL(lseek(fd, 1, SEEK_SET));
    CALL(write(fd, "3", 1)), show(fd);
    char c;
    lseek(fd, 2, SEEK_SET);
    CALL(read(fd, &c, 1)), show(fd);
    struct iovec v[2] = {{"4", 1}, {"5", 1}};
    CALL(pwritev(fd, v, 2, 0)), show(fd);
    CALL(fcntl(fd, F_SETFL, 0));
    CALL(pwrite(fd, "S", 1, 0)), show(fd);
    CALL(fcntl(fd, F_SETFL, O_APPEND));
    CALL(ftruncate(fd, 3));
    CALL(write(fd, "6", 1)), show(fd);
    CALL(copy_file_range(open("file", O_RDONLY), NULL, fd, NULL, 1, 0));
    CALL(sendfile(fd, open("file", O_RDONLY), NULL, 1));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
    printf("flags %o\n", fcntl(fd, F_GETFL));
    close(open("shared", O_CREAT | O_WRONLY, 0600));
    pthread_t threads[4];
    char *names[] = {"aaaa", "bbbb", "cccc", "dddd"};
    for (int i = 0; i < 4; i++) threads[i] = test_start(append, names[i]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    static char all[10000];
    int shared = open("shared", O_RDONLY), torn = 0;
    ssize_t n = read(shared, all, sizeof all);
    for (int i = 0; i < n; i += 4) torn += memcmp(all + i, all + i + 1, 3) != 0;
    printf("%ld bytes, %d torn\n", (long)n, torn);
    unlink("file"), unlink("shared");
    test_remove_scratch_directory();
    return 0;
}
