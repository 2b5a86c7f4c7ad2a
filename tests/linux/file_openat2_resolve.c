/* openat2 with RESOLVE_*: what a path may pass through. */
#include "test.h"
enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16 };
static int directory;
static long at2(const char *path, uint64_t flags, uint64_t resolve) {
    uint64_t how[3] = {flags, flags & O_CREAT ? 0600 : 0, resolve};
    int fd = syscall(SYS_openat2, directory, path, how, sizeof how);
    if (fd < 0) return -1;
    struct stat s;
    fstat(fd, &s);
    close(fd);
    return S_ISDIR(s.st_mode) ? 1000 : S_ISLNK(s.st_mode) ? 2000 : s.st_size;
}
int main(void) {
    test_scratch_directory();
    MUST(mkdir("d", 0755)), MUST(mkdir("d/inner", 0755)), MUST(mkdir("d/tmp", 0755));
    test_write_file("outside", "outside!");
    test_write_file("d/file", "inside");
    test_write_file("d/inner/deep", "deep");
    MUST(symlink("../outside", "d/out"));
    MUST(symlink("/tmp", "d/absolute"));
    MUST(symlink("file", "d/link"));
    MUST(symlink("inner", "d/to-inner"));
    MUST(symlink("../../../file", "d/inner/up"));
    MUST(symlink("/file", "d/inner/root"));
    directory = MUST(open("d", O_PATH));
    const char *const paths[] = {"file", "link", "inner/deep", "to-inner/deep", "inner/../file", "../outside", "..", ".",
        "/file", "/", "out", "absolute", "inner/up", "inner/root", "../d/file", "inner/../../d/file", "/../file", "absent"};
    const int resolves[] = {0, NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH, IN_ROOT, BENEATH | NO_SYMLINKS, IN_ROOT | NO_SYMLINKS};
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++)
        for (size_t r = 0; r < sizeof resolves / sizeof *resolves; r++) {
            printf("%s resolve %d ", paths[p], resolves[r]);
            CALL(at2(paths[p], O_RDONLY, resolves[r]));
        }
    CALL(at2("link", O_PATH | O_NOFOLLOW, NO_SYMLINKS));
    CALL(at2("to-inner/deep", O_PATH | O_NOFOLLOW, NO_SYMLINKS));
    CALL(at2("new", O_CREAT | O_RDWR, BENEATH));
    CALL(at2("../new", O_CREAT | O_RDWR, BENEATH));
    CALL(at2("/in-root", O_CREAT | O_RDWR, IN_ROOT));
    CALL(access("d/in-root", F_OK));
    CALL(at2("/proc/self/exe", O_PATH, NO_MAGICLINKS));
    CALL(at2("/proc/self/cwd/d/file", O_RDONLY, NO_MAGICLINKS));
    CALL(at2("/proc/self/cwd", O_PATH | O_NOFOLLOW, NO_MAGICLINKS));
    CALL(at2("/proc/self/cwd/d", O_PATH, BENEATH));
    CALL(at2("/proc/self/status", O_PATH, NO_XDEV));
    CALL(at2("/proc/self/cwd", O_RDONLY, 0) == 1000);
    char here[32];
    unlink("d/in-root"), unlink("d/new"), unlink("d/inner/root"), unlink("d/inner/up"), unlink("d/to-inner"), unlink("d/link");
    unlink("d/absolute"), unlink("d/out"), unlink("d/inner/deep"), unlink("d/file"), unlink("outside");
    rmdir("d/tmp"), rmdir("d/inner"), rmdir("d");
    test_remove_scratch_directory();
    return 0;
}
