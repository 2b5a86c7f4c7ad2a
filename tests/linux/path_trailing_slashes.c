/* Every call that names a file, on names with and without a slash at the end. */
#include "test.h"
static const char *const names[] = {"absent", "absent/", "file", "file/", "dir", "dir/", "to-file", "to-file/", "to-dir", "to-dir/",
    "dangling", "dangling/", "loop", "loop/", ".", "..", "dir/.", "dir/..", "", "/", "file/.", "file/..", "absent/.", "absent/..", "absent/x", "file/x"};
static void build(void) {
    mkdir("dir", 0755), symlink("file", "to-file"), symlink("dir", "to-dir"), symlink("nowhere", "dangling"), symlink("loop", "loop");
    test_write_file("file", "content"), test_write_file("source", "source"), mkdir("other", 0755);
}
static void clear(void) {
    const char *all[] = {"file", "dir", "to-file", "to-dir", "dangling", "loop", "absent", "nowhere", "source", "other", "moved"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (unlink(all[i])) rmdir(all[i]);
}
int main(void) {
    test_scratch_directory();
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const char *name = names[n];
        struct stat s;
        char buffer[64];
        printf("\"%s\"\n", name);
#define TRY(call) (build(), errno = 0, printf("  %s %s\n", #call, (call) == -1 ? test_errno_name(errno) : "ok"), clear())
        TRY(stat(name, &s));
        TRY(lstat(name, &s));
        TRY(access(name, F_OK));
        TRY(open(name, O_RDONLY) < 0 ? -1 : 0);
        TRY(mkdir(name, 0755));
        TRY(rmdir(name));
        TRY(unlink(name));
        TRY(unlinkat(AT_FDCWD, name, AT_REMOVEDIR));
        TRY(mknod(name, S_IFREG | 0644, 0));
        TRY(mkfifo(name, 0644));
        TRY(symlink("target", name));
        TRY(link("source", name));
        TRY(link(name, "moved"));
        TRY(linkat(AT_FDCWD, name, AT_FDCWD, "moved", AT_SYMLINK_FOLLOW));
        TRY(rename("source", name));
        TRY(rename("other", name));
        TRY(rename(name, "moved"));
        TRY(rename(name, "source"));
        TRY(rename(name, "other"));
        TRY(rename("source/", name));
        TRY(rename("other/", name));
        TRY(syscall(SYS_renameat2, AT_FDCWD, "source", AT_FDCWD, name, 1));
        TRY(syscall(SYS_renameat2, AT_FDCWD, "source", AT_FDCWD, name, 2));
        TRY(syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, "other", 2));
        TRY(readlink(name, buffer, sizeof buffer) < 0 ? -1 : 0);
        TRY(truncate(name, 1));
    }
    test_remove_scratch_directory();
    return 0;
}
