/* stat, fstat, lstat, fstatat and statx agree on types, modes, sizes and links. */
#include "test.h"
static void show(const char *what, const struct stat *s) {
    printf("%s: %s mode %o links %ld size %ld\n", what,
           S_ISREG(s->st_mode) ? "file" : S_ISDIR(s->st_mode) ? "directory" : S_ISLNK(s->st_mode) ? "link"
           : S_ISFIFO(s->st_mode) ? "fifo" : S_ISCHR(s->st_mode) ? "device" : S_ISSOCK(s->st_mode) ? "socket" : "?",
           s->st_mode & 07777, S_ISREG(s->st_mode) ? (long)s->st_nlink : 0, S_ISDIR(s->st_mode) ? 0 : (long)s->st_size);
}
int main(void) {
    struct stat s, t;
    struct statx x;
    umask(022);
    test_scratch_directory();
    test_write_file("file", "twelve bytes");
    CALL(stat("file", &s));
    show("stat", &s);
    int fd = open("file", O_RDONLY);
    CALL(fstat(fd, &t));
    YES(s.st_ino == t.st_ino && s.st_dev == t.st_dev && s.st_size == t.st_size);
    CALL(symlink("file", "link"));
    CALL(lstat("link", &s));
    show("lstat", &s);
    CALL(stat("link", &s));
    show("stat of link", &s);
    YES(s.st_ino == t.st_ino);
    CALL(link("file", "second"));
    CALL(stat("second", &s));
    show("linked", &s);
    CALL(fstatat(AT_FDCWD, "link", &s, AT_SYMLINK_NOFOLLOW));
    show("fstatat", &s);
    CALL(fstatat(fd, "", &s, AT_EMPTY_PATH));
    show("empty path", &s);
    CALL(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &x));
    YES((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    YES(x.stx_size == 12 && x.stx_nlink == 2 && x.stx_ino == t.st_ino);
    YES(x.stx_mtime.tv_sec == t.st_mtim.tv_sec && x.stx_mtime.tv_nsec == t.st_mtim.tv_nsec);
    CALL(mkdir("directory", 0751));
    CALL(stat("directory", &s));
    show("directory", &s);
    CALL(mkfifo("fifo", 0640));
    CALL(stat("fifo", &s));
    show("fifo", &s);
    CALL(stat("/dev/null", &s));
    show("null", &s);
    CALL(stat("absent", &s));
    CALL(stat("file/below", &s));
    CALL(stat("", &s));
    CALL(fstat(77, &s));
    CALL(statx(AT_FDCWD, "absent", 0, STATX_ALL, &x));
    int ends[2];
    MUST(pipe(ends));
    fstat(ends[0], &s);
    YES(S_ISFIFO(s.st_mode));
    CALL(unlink("file") | unlink("second") | unlink("link") | unlink("fifo") | rmdir("directory"));
    test_remove_scratch_directory();
    return 0;
}
