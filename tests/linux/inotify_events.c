/* inotify: which call reports what, for a directory, a file and a directory in it. */
#include "test.h"
#include <sys/inotify.h>
#include <sys/xattr.h>
static int fd;
static uint32_t last_cookie;
static const char *name_of(uint32_t mask) {
    static char out[200];
    static const struct { uint32_t bit; const char *name; } names[] = {{1, "ACCESS"}, {2, "MODIFY"}, {4, "ATTRIB"}, {8, "CLOSE_WRITE"},
        {16, "CLOSE_NOWRITE"}, {32, "OPEN"}, {64, "MOVED_FROM"}, {128, "MOVED_TO"}, {256, "CREATE"}, {512, "DELETE"}, {1024, "DELETE_SELF"},
        {2048, "MOVE_SELF"}, {0x2000, "UNMOUNT"}, {0x4000, "Q_OVERFLOW"}, {0x8000, "IGNORED"}, {0x40000000, "ISDIR"}};
    out[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (mask & names[i].bit) strcat(strcat(out, out[0] ? "|" : ""), names[i].name);
    return out;
}
static void drain(const char *what) {
    char buffer[8192] __attribute__((aligned(8)));
    printf("%s\n", what);
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        for (char *at = buffer; at < buffer + n;) {
            struct inotify_event *e = (void *)at;
            printf("   %d %s len %u \"%s\"%s\n", e->wd, name_of(e->mask), e->len, e->len ? e->name : "",
                e->cookie == 0 ? "" : e->cookie == last_cookie ? " same cookie" : " new cookie");
            if (e->cookie) last_cookie = e->cookie;
            at += sizeof *e + e->len;
        }
}
#define STEP(call) do { if ((long)(call) == -1) printf("%s: %s\n", #call, test_errno_name(errno)); drain(#call); } while (0)
int main(void) {
    test_scratch_directory();
    MUST(mkdir("d", 0755)), test_write_file("d/file", "content"), MUST(mkdir("d/sub", 0755)), MUST(mkdir("other", 0755));
    fd = MUST(inotify_init1(IN_NONBLOCK));
    CALL(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
    CALL(inotify_add_watch(fd, "d/file", IN_ALL_EVENTS));
    CALL(inotify_add_watch(fd, "d/sub", IN_ALL_EVENTS));
    int f, g;
    char c;
    STEP(f = open("d/file", O_RDWR));
    STEP(read(f, &c, 1));
    STEP(read(f, &c, 0));
    STEP(pread(f, &c, 1, 100));
    STEP(write(f, "x", 1));
    STEP(write(f, "x", 0));
    STEP(ftruncate(f, 3));
    STEP(fchmod(f, 0600));
    STEP(fchown(f, -1, -1));
    STEP(fchown(f, getuid(), getgid()));
    STEP(futimens(f, NULL));
    STEP(futimens(f, (struct timespec[2]){{1, 0}, {0, UTIME_OMIT}}));
    STEP(futimens(f, (struct timespec[2]){{0, UTIME_OMIT}, {1, 0}}));
    STEP(fallocate(f, 0, 0, 100));
    STEP(fsetxattr(f, "user.x", "y", 1, 0));
    STEP(fremovexattr(f, "user.x"));
    STEP(fsync(f));
    STEP(close(dup(f)));
    STEP(close(f));
    STEP(close(open("d/file", O_RDONLY)));
    STEP(close(open("d/file", O_PATH)));
    STEP(close(open("d/file", O_WRONLY | O_TRUNC)));
    STEP(truncate("d/file", 10));
    STEP(chmod("d/file", 0644));
    STEP(close(open("d/new", O_CREAT | O_WRONLY, 0600)));
    STEP(link("d/new", "d/linked"));
    STEP(symlink("x", "d/symlink"));
    STEP(mknod("d/fifo", S_IFIFO | 0600, 0));
    STEP(mkdir("d/dir", 0755));
    STEP(rename("d/new", "d/renamed"));
    STEP(rename("d/renamed", "other/out"));
    STEP(rename("other/out", "d/in"));
    STEP(rename("d/in", "d/linked2"));
    STEP(rename("d/sub", "d/moved"));
    STEP(rename("d/moved", "other/moved"));
    STEP(rename("other/moved", "d/sub"));
    STEP(syscall(SYS_renameat2, AT_FDCWD, "d/linked", AT_FDCWD, "d/dir", 2));
    STEP(rename("d/linked2", "d/file"));
    STEP(unlink("d/symlink"));
    STEP(unlink("d/fifo"));
    STEP(unlink("d/dir"));
    STEP(rmdir("d/linked"));
    STEP(g = open("d", O_RDONLY));
    char entries[1024];
    STEP(getdents64(g, entries, sizeof entries));
    STEP(getdents64(g, entries, sizeof entries));
    STEP(close(g));
    STEP(chmod("d", 0700));
    STEP(chmod("d/sub", 0700));
    STEP(close(open("d/sub/inner", O_CREAT | O_WRONLY, 0600)));
    STEP(unlink("d/sub/inner"));
    STEP(rmdir("d/sub"));
    STEP(unlink("d/file"));
    STEP(rmdir("d"));
    rmdir("other");
    test_remove_scratch_directory();
    return 0;
}
