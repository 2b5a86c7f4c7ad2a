/* chroot: what paths mean afterwards.
 * test: needs root
 */
#include "test.h"
int main(void) {
    test_scratch_directory();
    MUST(mkdir("root", 0755)), MUST(mkdir("root/a", 0755)), test_write_file("root/a/file", "in"), test_write_file("outside", "out");
    MUST(symlink("/a/file", "root/absolute")), MUST(symlink("../../../a/file", "root/a/up")), MUST(symlink("../outside", "root/out"));
    int here = MUST(open(".", O_RDONLY)), inner = MUST(open("root/a", O_RDONLY));
    char path[256];
    CALL(chdir("root"));
    CALL(chroot("."));
    CALL(access("/a/file", F_OK));
    CALL(access("/outside", F_OK));
    CALL(access("../outside", F_OK));
    CALL(access("/../../outside", F_OK));
    CALL(access("/absolute", F_OK));
    CALL(access("/a/up", F_OK));
    CALL(access("/out", F_OK));
    CALL(access("/proc/self", F_OK));
    YES(getcwd(path, sizeof path) && strcmp(path, "/") == 0);
    CALL(chdir("a"));
    YES(getcwd(path, sizeof path) && strcmp(path, "/a") == 0);
    CALL(fchdir(here));
    CALL(access("outside", F_OK));
    CALL(access("root/a/file", F_OK));
    long len = syscall(SYS_getcwd, path, sizeof path);
    YES(len > 13 && memcmp(path, "(unreachable)", 13) == 0);
    CALL(getcwd(path, sizeof path) == NULL);
    CALL(access("..", F_OK));
    CALL(openat(inner, "../../outside", O_RDONLY));
    CALL(faccessat(inner, "file", F_OK, 0));
    CALL(chroot("absent"));
    CALL(chroot("root/a/file"));
    CALL(chroot("../../../../../../../.."));
    CALL(access("/proc/self", F_OK));
    CALL(fchdir(here));
    unlink("root/absolute"), unlink("root/a/up"), unlink("root/out"), unlink("root/a/file"), unlink("outside"), rmdir("root/a"), rmdir("root");
    test_remove_scratch_directory();
    return 0;
}
