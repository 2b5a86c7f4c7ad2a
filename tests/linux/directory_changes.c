/* mkdir, rmdir, rename, link, unlink and their refusals.
 * test: variants dynamic musl
 */
#include "test.h"
int main(void) {
    char text[8];
    test_scratch_directory();
    CALL(mkdir("a", 0755));
    CALL(mkdir("a", 0755));
    CALL(mkdir("a/b", 0755));
    CALL(mkdir("absent/b", 0755));
    CALL(rmdir("a"));
    CALL(rmdir("absent"));
    test_write_file("file", "1");
    CALL(rmdir("file"));
    CALL(unlink("a"));
    CALL(unlink("absent"));
    CALL(rename("file", "a/b/moved"));
    CALL(access("file", F_OK));
    CALL(access("a/b/moved", F_OK));
    CALL(rename("a", "a/b/inside"));
    CALL(rename("absent", "x"));
    test_write_file("other", "2");
    CALL(rename("other", "a"));
    CALL(rename("a", "other"));
    CALL(rename("other", "a/b/moved"));
    int fd = open("a/b/moved", O_RDONLY);
    CALL(read(fd, text, 8));
    printf("%c\n", text[0]);
    CALL(mkdir("empty", 0755));
    CALL(rename("a/b", "empty"));
    CALL(access("empty/moved", F_OK));
    CALL(link("empty/moved", "hard"));
    CALL(link("empty/moved", "hard"));
    CALL(link("empty", "directory-link"));
    CALL(link("absent", "x"));
    CALL(unlink("empty/moved"));
    CALL(read(open("hard", O_RDONLY), text, 8));
    enum { NOREPLACE = 1 };
    CALL(syscall(SYS_renameat2, AT_FDCWD, "hard", AT_FDCWD, "empty", NOREPLACE));
    CALL(syscall(SYS_renameat2, AT_FDCWD, "hard", AT_FDCWD, "free", NOREPLACE));
    CALL(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR));
    CALL(unlinkat(AT_FDCWD, "empty", 0));
    CALL(unlinkat(AT_FDCWD, "empty", AT_REMOVEDIR));
    CALL(rmdir("."));
    YES(rmdir("/") == -1);
    CALL(mkdir("/", 0755));
    CALL(unlink("free"));
    test_remove_scratch_directory();
    return 0;
}
