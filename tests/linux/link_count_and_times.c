/* Which times and counts change when names come and go. */
#include "test.h"
static void old(const char *path) {
    struct timespec times[2] = {{1000, 0}, {2000, 0}};
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}
static struct stat seen;
static void before(void) { old("."), old("d"), old("file"), stat("file", &seen); }
static void after(const char *what) {
    struct stat here, d, file;
    int gone = lstat("file", &file);
    stat(".", &here), stat("d", &d);
    printf("%s: here %d d %d file %s\n", what, here.st_mtime != 2000, d.st_mtime != 2000,
        gone ? "gone" : file.st_mtime != 2000 ? "changed" : file.st_nlink != seen.st_nlink ? "linked" : "same");
}
int main(void) {
    test_scratch_directory();
    MUST(mkdir("d", 0755));
    test_write_file("file", "x");
#define STEP(call) (before(), MUST(call), after(#call))
    STEP(link("file", "d/one"));
    STEP(unlink("d/one"));
    STEP(rename("file", "d/file"));
    STEP(rename("d/file", "file"));
    STEP(mkdir("d/dir", 0755));
    STEP(rename("d/dir", "dir"));
    STEP(rmdir("dir"));
    STEP(symlink("x", "d/link"));
    STEP(unlink("d/link"));
    STEP(chmod("file", 0600));
    STEP(close(open("file", O_WRONLY)));
    STEP(close(open("file", O_WRONLY | O_TRUNC)));
    STEP(truncate("file", 0));
    STEP(truncate("file", 10));
    STEP(truncate("file", 10));
    STEP(mknod("d/fifo", S_IFIFO | 0600, 0));
    STEP(unlink("d/fifo"));
    STEP(close(open("new", O_CREAT | O_WRONLY, 0600)));
    STEP(close(open("new", O_CREAT | O_WRONLY, 0600)));
    STEP(rename("new", "file"));
    int fd = open("file", O_RDWR);
    STEP(write(fd, "", 0));
    STEP(write(fd, "x", 1));
    STEP(ftruncate(fd, 1));
    STEP(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4096));
    unlink("file"), rmdir("d");
    test_remove_scratch_directory();
    return 0;
}
