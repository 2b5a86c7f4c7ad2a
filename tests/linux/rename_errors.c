/* rename and its relatives: every documented refusal. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x"), MUST(mkdir("dir", 0755)), MUST(mkdir("full", 0755)), test_write_file("full/f", "y"), MUST(symlink("loop", "loop")), MUST(symlink("dir", "to-dir"));
    static char name[300];
    memset(name, 'n', 256);
    CALL(rename("absent", "x"));
    CALL(rename("absent", "file"));
    CALL(rename("file", name));
    CALL(rename(name, "x"));
    CALL(rename("file", "loop/x"));
    CALL(rename("loop/x", "y"));
    CALL(rename("loop", "loop2"));
    CALL(rename("loop2", "loop"));
    CALL(rename("file", (char *)8));
    CALL(rename((char *)8, "x"));
    CALL(rename("file", "absent/x"));
    CALL(rename("file", "file/x"));
    CALL(rename("file", "dir"));
    CALL(rename("file", "dir/"));
    CALL(rename("dir", "file"));
    CALL(rename("dir", "full"));
    CALL(rename("dir", "dir/x"));
    CALL(rename("dir", "dir/x/y"));
    CALL(rename("file", "file"));
    CALL(rename("dir", "dir"));
    CALL(rename("to-dir", "dir"));
    CALL(rename("to-dir/", "x"));
    CALL(rename("to-dir", "dir/link"));
    CALL(rename("dir/link", "to-dir"));
    CALL(renameat(77, "file", AT_FDCWD, "x"));
    CALL(renameat(AT_FDCWD, "file", 77, "x"));
    int fd = open("file", O_RDONLY), dir = open("dir", O_RDONLY);
    CALL(renameat(fd, "file", AT_FDCWD, "x"));
    CALL(renameat(dir, "../file", dir, "moved"));
    CALL(renameat(dir, "moved", AT_FDCWD, "file"));
    CALL(renameat(dir, "", AT_FDCWD, "x"));
    CALL(renameat(dir, ".", AT_FDCWD, "x"));
    CALL(renameat(dir, "..", AT_FDCWD, "x"));
    CALL(rename("full/f", "full"));
    CALL(rename("full", "full/f"));
    unlink("file"), unlink("loop"), unlink("to-dir"), unlink("full/f"), rmdir("full"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
