/* statx: masks, flags and fields. */
#include "test.h"
#include <sys/sysmacros.h>
int main(void) {
    test_scratch_directory();
    struct statx x;
    struct stat s;
    test_write_file("file", "content"), MUST(symlink("file", "link")), MUST(mkdir("dir", 0750));
    MUST(chmod("file", 0640));
    CALL(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &x));
    stat("file", &s);
    YES((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    printf("mode %o links %u size %ld blksize %u\n", x.stx_mode, x.stx_nlink, (long)x.stx_size, x.stx_blksize);
    YES(x.stx_ino == s.st_ino && x.stx_uid == s.st_uid && x.stx_gid == s.st_gid && x.stx_blocks == s.st_blocks);
    YES(makedev(x.stx_dev_major, x.stx_dev_minor) == s.st_dev);
    YES(x.stx_mtime.tv_sec == s.st_mtim.tv_sec && x.stx_mtime.tv_nsec == s.st_mtim.tv_nsec && x.stx_ctime.tv_nsec == s.st_ctim.tv_nsec);
    CALL(statx(AT_FDCWD, "link", 0, STATX_TYPE, &x));
    printf("type %o\n", x.stx_mode & S_IFMT);
    CALL(statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
    printf("type %o size %ld\n", x.stx_mode & S_IFMT, (long)x.stx_size);
    CALL(statx(AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &x));
    printf("type %o rdev %u %u\n", x.stx_mode & S_IFMT, x.stx_rdev_major, x.stx_rdev_minor);
    CALL(statx(AT_FDCWD, "file", 0, 0, &x));
    CALL(statx(AT_FDCWD, "file", 0, 0x80000000, &x));
    CALL(statx(AT_FDCWD, "file", 0x80000000, STATX_SIZE, &x));
    CALL(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
    CALL(statx(AT_FDCWD, "file", AT_STATX_DONT_SYNC, STATX_SIZE, &x));
    CALL(statx(AT_FDCWD, "file", AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
    CALL(statx(AT_FDCWD, "", 0, STATX_SIZE, &x));
    CALL(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_TYPE, &x));
    CALL(statx(AT_FDCWD, "absent", 0, STATX_SIZE, &x));
    CALL(statx(AT_FDCWD, "file/x", 0, STATX_SIZE, &x));
    CALL(statx(77, "file", 0, STATX_SIZE, &x));
    CALL(statx(77, "/dev/null", 0, STATX_SIZE, &x));
    CALL(syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_SIZE, (void *)8));
    CALL(syscall(SYS_statx, AT_FDCWD, (void *)8, 0, STATX_SIZE, &x));
    int fd = open("file", O_RDONLY), ends[2];
    CALL(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    printf("size %ld\n", (long)x.stx_size);
    CALL(statx(fd, "", 0, STATX_SIZE, &x));
    CALL(statx(fd, "x", AT_EMPTY_PATH, STATX_SIZE, &x));
    MUST(pipe(ends));
    CALL(statx(ends[0], "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x));
    printf("mode %o\n", x.stx_mode);
    CALL(fstatat(ends[0], "", &s, AT_EMPTY_PATH));
    CALL(fstatat(fd, "", &s, AT_EMPTY_PATH));
    CALL(fstatat(AT_FDCWD, "file", &s, 1));
    CALL(fstat(77, &s));
    CALL(stat("file", (void *)8));
    YES(statx(AT_FDCWD, "dir", 0, STATX_NLINK, &x) == 0 && x.stx_nlink == 2);
    unlink("file"), unlink("link"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
