/* symlink and readlink, followed in the middle and at the end. */
#include "test.h"
int main(void) {
    char target[64];
    test_scratch_directory();
    MUST(mkdir("directory", 0755));
    test_write_file("directory/file", "through");
    CALL(symlink("directory", "link"));
    CALL(symlink("directory", "link"));
    CALL(symlink("../directory/file", "directory/up"));
    CALL(readlink("link", target, sizeof target));
    printf("%.9s\n", target);
    CALL(readlink("link", target, 4));
    CALL(readlink("directory", target, sizeof target));
    CALL(readlink("absent", target, sizeof target));
    CALL(readlink("link", target, 0));
    CALL(read(open("link/up", O_RDONLY), target, sizeof target));
    printf("%.7s\n", target);
    CALL(access("link/../link/file", F_OK));
    CALL(symlink("", "empty"));
    MUST(symlink("two", "one"));
    MUST(symlink("one", "two"));
    CALL(access("one", F_OK));
    CALL(access("one/x", F_OK));
    CALL(readlinkat(AT_FDCWD, "one", target, sizeof target));
    CALL(unlink("link"));
    CALL(access("directory/file", F_OK));
    char resolved[PATH_MAX], here[PATH_MAX];
    MUST(symlink("directory/../directory", "far"));
    YES(realpath("far/up", resolved) && getcwd(here, sizeof here));
    YES(strcmp(resolved + strlen(here), "/directory/file") == 0);
    unlink("one"), unlink("two"), unlink("far"), unlink("directory/up"), unlink("directory/file"), rmdir("directory");
    test_remove_scratch_directory();
    return 0;
}
