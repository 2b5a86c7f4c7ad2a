/* utimensat: who may set which time, and what the special values do.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
#include <utime.h>
static void as(uid_t uid) { MUST(seteuid(0)); if (uid) MUST(seteuid(uid)); }
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0777)), MUST(setgroups(0, NULL));
    test_write_file("file", "x"), MUST(symlink("file", "link"));
    MUST(chown("file", 1001, 2001)), MUST(lchown("link", 1001, 2001));
    static const long special[] = {0, UTIME_NOW, UTIME_OMIT, 999999999, 1000000000, -1};
    for (int mode = 0; mode < 2; mode++)
        for (uid_t who = 0; who < 1003; who += who ? 1 : 1001) {
            as(0), MUST(chmod("file", mode ? 0666 : 0644));
            as(who);
            printf("user %d mode %d\n", who, mode);
            CALL(utimensat(AT_FDCWD, "file", NULL, 0));
            for (int a = 0; a < 6; a++)
                for (int m = 0; m < 6; m++) {
                    struct timespec times[2] = {{5, special[a]}, {6, special[m]}};
                    printf("%ld %ld ", special[a], special[m]);
                    int result = utimensat(AT_FDCWD, "file", times, 0);
                    struct stat s;
                    stat("file", &s);
                    printf("%s", result ? test_errno_name(errno) : "ok");
                    if (!result) printf(" %d %d", special[a] == UTIME_NOW ? s.st_atime > 1000 : special[a] == 0 && s.st_atime == 5,
                                        special[m] == UTIME_NOW ? s.st_mtime > 1000 : special[m] == 0 && s.st_mtime == 6);
                    printf("\n");
                }
            struct utimbuf old = {7, 8};
            CALL(utime("file", &old));
            CALL(utime("file", NULL));
            struct timeval micro[2] = {{1, 999999}, {2, 0}};
            CALL(utimes("file", micro));
            micro[0].tv_usec = 1000000;
            CALL(utimes("file", micro));
        }
    as(0);
    struct timespec keep[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, set[2] = {{11, 0}, {12, 0}};
    struct stat s;
    CALL(utimensat(AT_FDCWD, "absent", keep, 0));
    CALL(utimensat(77, "absent", keep, 0));
    CALL(utimensat(AT_FDCWD, "absent", set, 0));
    CALL(utimensat(AT_FDCWD, "file", set, 1));
    CALL(utimensat(AT_FDCWD, "link", set, AT_SYMLINK_NOFOLLOW));
    lstat("link", &s), printf("%ld\n", (long)s.st_mtime);
    CALL(syscall(SYS_utimensat, AT_FDCWD, NULL, set, 0));
    CALL(syscall(SYS_utimensat, 77, NULL, set, 0));
    int fd = open("file", O_RDONLY);
    CALL(syscall(SYS_utimensat, fd, NULL, set, 0));
    CALL(syscall(SYS_utimensat, fd, NULL, set, AT_SYMLINK_NOFOLLOW));
    CALL(syscall(SYS_utimensat, fd, "", set, AT_EMPTY_PATH));
    CALL(syscall(SYS_utimensat, fd, "", set, 0));
    CALL(syscall(SYS_utimensat, AT_FDCWD, "file", (void *)8, 0));
    struct timespec far[2] = {{-1000, 5}, {4000000000, 7}};
    CALL(utimensat(AT_FDCWD, "file", far, 0));
    stat("file", &s), printf("%ld.%09ld %ld.%09ld\n", (long)s.st_atime, s.st_atim.tv_nsec, (long)s.st_mtime, s.st_mtim.tv_nsec);
    unlink("link"), unlink("file");
    test_remove_scratch_directory();
    return 0;
}
