/* Extended attributes: flags, sizes, names, listing.
 * test: needs root
 */
#include "test.h"
#include <linux/capability.h>
#include <sys/xattr.h>
static int sorted_list(const char *path) {
    char list[4096];
    ssize_t n = listxattr(path, list, sizeof list);
    int count = 0;
    const char *wanted[] = {"user.a", "user.b", "trusted.t", "security.s"};
    for (int w = 0; w < 4; w++)
        for (char *at = list; at < list + n; at += strlen(at) + 1)
            if (!strcmp(at, wanted[w])) printf("  %s\n", at), count++;
    return count;
}
/* Inside nobody has this capability. */
static void drop_admin(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    MUST(syscall(SYS_capget, &header, data));
    data[0].effective &= ~(1u << CAP_SYS_ADMIN), data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
    MUST(syscall(SYS_capset, &header, data));
}
int main(void) {
    drop_admin();
    test_scratch_directory();
    test_write_file("file", "x"), MUST(mkdir("dir", 0755)), MUST(symlink("file", "link")), MUST(mkfifo("fifo", 0600)), MUST(symlink("no", "dangling"));
    char out[70000], name[300] = "user.";
    memset(name + 5, 'n', 290);
    CALL(setxattr("file", "user.a", "value", 5, 0));
    CALL(getxattr("file", "user.a", out, 100)), printf("%.5s\n", out);
    CALL(getxattr("file", "user.a", NULL, 0));
    CALL(getxattr("file", "user.a", out, 4));
    CALL(getxattr("file", "user.a", out, 5));
    CALL(getxattr("file", "user.absent", out, 5));
    CALL(getxattr("absent", "user.a", out, 5));
    CALL(getxattr("file", "user.a", (void *)8, 5));
    CALL(getxattr("file", (void *)8, out, 5));
    CALL(setxattr("file", "user.a", "v2", 2, XATTR_CREATE));
    CALL(setxattr("file", "user.a", "v2", 2, XATTR_REPLACE));
    CALL(setxattr("file", "user.b", "v2", 2, XATTR_REPLACE));
    CALL(setxattr("file", "user.b", "", 0, XATTR_CREATE));
    CALL(getxattr("file", "user.b", out, 5));
    CALL(setxattr("file", "user.c", "v2", 2, XATTR_REPLACE | XATTR_CREATE));
    CALL(setxattr("file", "user.c", "v2", 2, 4));
    CALL(setxattr("file", "", "v", 1, 0));
    CALL(setxattr("file", "user.", "v", 1, 0));
    CALL(setxattr("file", "user", "v", 1, 0));
    CALL(setxattr("file", "nope.x", "v", 1, 0));
    CALL(getxattr("file", "nope.x", out, 1));
    CALL(getxattr("file", "user.", out, 1));
    CALL(getxattr("file", "", out, 1));
    CALL(removexattr("file", "nope.x"));
    name[256] = 0;
    CALL(setxattr("file", name, "v", 1, 0));
    CALL(getxattr("file", name, out, 1));
    name[255] = 0;
    CALL(setxattr("file", name, "v", 1, 0));
    CALL(removexattr("file", name));
    CALL(setxattr("file", "user.big", out, 65537, 0));
    CALL(setxattr("file", "user.x", (void *)8, 5, 0));
    CALL(setxattr("file", "user.x", NULL, 0, 0));
    CALL(removexattr("file", "user.x"));
    CALL(removexattr("file", "user.x"));
    CALL(setxattr("file", "trusted.t", "t", 1, 0));
    CALL(setxattr("file", "security.s", "s", 1, 0));
    CALL(sorted_list("file"));
    CALL(listxattr("file", out, 3));
    CALL(listxattr("dir", out, 3));
    CALL(listxattr("absent", out, 3));
    CALL(setxattr("dir", "user.a", "d", 1, 0));
    CALL(setxattr("link", "user.b", "through", 7, 0));
    CALL(getxattr("file", "user.b", out, 100));
    CALL(lsetxattr("link", "user.b", "x", 1, 0));
    CALL(lgetxattr("link", "user.b", out, 1));
    CALL(lsetxattr("link", "trusted.l", "x", 1, 0));
    CALL(lgetxattr("link", "trusted.l", out, 1));
    CALL(llistxattr("link", NULL, 0));
    CALL(lremovexattr("link", "trusted.l"));
    CALL(lremovexattr("link", "user.l"));
    CALL(setxattr("dangling", "user.b", "x", 1, 0));
    CALL(setxattr("fifo", "user.b", "x", 1, 0));
    CALL(getxattr("fifo", "user.b", out, 1));
    CALL(setxattr("fifo", "trusted.b", "x", 1, 0));
    int fd = open("file", O_RDONLY), ends[2];
    MUST(pipe(ends));
    CALL(fsetxattr(fd, "user.f", "f", 1, 0));
    CALL(fgetxattr(fd, "user.f", out, 10));
    CALL(flistxattr(fd, NULL, 0) > 0);
    CALL(fremovexattr(fd, "user.f"));
    CALL(fsetxattr(77, "user.f", "f", 1, 0));
    CALL(fgetxattr(ends[0], "user.f", out, 1));
    CALL(fsetxattr(ends[0], "user.f", "f", 1, 0));
    CALL(setxattr("/proc/self/status", "user.f", "f", 1, 0));
    CALL(getxattr("/proc/version", "user.f", out, 1));
    link("file", "second");
    CALL(getxattr("second", "trusted.t", out, 10));
    rename("file", "third");
    CALL(getxattr("third", "trusted.t", out, 10));
    unlink("third"), unlink("second"), unlink("link"), unlink("fifo"), unlink("dangling"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
