/* O_TMPFILE: a file without a name, which may get one. */
#include "test.h"
static int named(int fd, const char *to) {
    char from[64];
    sprintf(from, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}
int main(void) {
    test_scratch_directory();
    struct stat s;
    char buffer[8] = "";
    umask(022);
    int fd = MUST(open(".", O_TMPFILE | O_RDWR, 0666));
    CALL(fstat(fd, &s));
    printf("links %d mode %o size %ld\n", (int)s.st_nlink, s.st_mode, (long)s.st_size);
    CALL(write(fd, "abc", 3));
    CALL(named(fd, "name"));
    CALL(fstat(fd, &s));
    printf("links %d\n", (int)s.st_nlink);
    CALL(named(fd, "name"));
    CALL(named(fd, "other"));
    CALL(unlink("name"));
    CALL(unlink("other"));
    CALL(named(fd, "again"));
    CALL(close(fd));
    fd = MUST(open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600));
    CALL(named(fd, "name"));
    CALL(linkat(fd, "", AT_FDCWD, "name", AT_EMPTY_PATH));
    CALL(read(fd, buffer, 1));
    CALL(close(fd));
    CALL(open(".", O_TMPFILE | O_RDONLY, 0600));
    CALL(open("absent", O_TMPFILE | O_RDWR, 0600));
    test_write_file("file", "");
    CALL(open("file", O_TMPFILE | O_RDWR, 0600));
    CALL(open("file", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
    CALL(open(".", O_TMPFILE | O_CREAT | O_RDWR, 0600));
    CALL(open("/proc", O_TMPFILE | O_RDWR, 0600));
    fd = MUST(open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
    CALL(linkat(fd, "", AT_FDCWD, "x", AT_EMPTY_PATH));
    CALL(close(fd));
    /* A file that lost its last name can't get one again. */
    fd = MUST(open("file", O_RDONLY));
    CALL(unlink("file"));
    CALL(named(fd, "file"));
    unlink("again");
    test_remove_scratch_directory();
    return 0;
}
