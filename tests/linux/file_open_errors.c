/* open refuses with the errno that Linux gives. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x");
    MUST(mkdir("directory", 0755));
    MUST(symlink("loop", "loop"));
    MUST(symlink("nowhere", "dangling"));
    MUST(symlink("file", "link"));
    CALL(open("absent", O_RDONLY));
    CALL(open("", O_RDONLY));
    CALL(open("file", O_WRONLY | O_CREAT | O_EXCL, 0600));
    CALL(open("link", O_WRONLY | O_CREAT | O_EXCL, 0600));
    CALL(open("link", O_RDONLY | O_NOFOLLOW));
    CALL(open("directory", O_WRONLY));
    CALL(open("directory", O_RDWR | O_CREAT, 0600));
    CALL(open("file", O_RDONLY | O_DIRECTORY));
    CALL(open("file/below", O_RDONLY));
    CALL(open("absent/below", O_WRONLY | O_CREAT, 0600));
    CALL(open("loop", O_RDONLY));
    CALL(open("dangling", O_RDONLY));
    CALL(openat(77, "file", O_RDONLY));
    int fd = open("file", O_RDONLY);
    CALL(openat(fd, "below", O_RDONLY));
    CALL(open("file/", O_RDONLY));
    static char name[600];
    memset(name, 'a', 300);
    CALL(open(name, O_RDONLY));
    static char path[5000];
    memset(path, '/', sizeof path - 1);
    CALL(open(path, O_RDONLY));
    CALL(open((char *)8, O_RDONLY));
    DOES(open("dangling", O_WRONLY | O_CREAT, 0600));
    CALL(access("nowhere", F_OK));
    DOES(open("directory/.././file", O_RDONLY));
    DOES(openat(77, "/dev/null", O_RDONLY));
    int path_only = DOES(open("file", O_PATH));
    CALL(read(path_only, name, 1));
    int temporary = DOES(open(".", O_TMPFILE | O_RDWR, 0600));
    CALL(write(temporary, "abc", 3));
    CALL(pread(temporary, name, 3, 0));
    unlink("file"), unlink("link"), unlink("loop"), unlink("dangling"), unlink("nowhere"), rmdir("directory");
    test_remove_scratch_directory();
    return 0;
}
