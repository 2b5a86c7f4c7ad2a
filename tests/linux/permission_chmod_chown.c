/* chmod and chown: who may, and which bits go.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
static int mode_of(const char *path) {
    struct stat s;
    return stat(path, &s) ? -1 : (int)(s.st_mode & 07777);
}
static void reset(uid_t uid, gid_t gid, mode_t mode) {
    MUST(seteuid(0)), MUST(setegid(0));
    MUST(chown("file", uid, gid)), MUST(chmod("file", mode)), MUST(chown("dir", uid, gid)), MUST(chmod("dir", mode));
}
static void as(uid_t uid, gid_t gid) { MUST(setegid(gid)), MUST(seteuid(uid)); }
#define SHOW(call) (CALL(call), printf("  file %o dir %o\n", mode_of("file"), mode_of("dir")))
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0777));
    gid_t groups[] = {2002};
    MUST(setgroups(1, groups));
    test_write_file("file", "x"), MUST(mkdir("dir", 0777));
    static const mode_t modes[] = {06777, 06766, 04755, 02755, 02745, 07000, 06000, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        printf("mode %o\n", modes[i]);
        reset(1001, 2001, modes[i]);
        SHOW(chown("file", 1001, 2001));
        reset(1001, 2001, modes[i]);
        SHOW(chown("file", -1, -1));
        reset(1001, 2001, modes[i]);
        SHOW(chown("dir", 1002, 2002));
        reset(1001, 2001, modes[i]), as(1001, 2001);
        SHOW(chown("file", -1, 2002));
        reset(1001, 2001, modes[i]), as(1001, 2001);
        SHOW(chown("file", 1001, -1));
        reset(1001, 2001, modes[i]), as(1001, 2001);
        SHOW(chown("dir", 1001, 2002));
        reset(1001, 2001, modes[i]), as(1001, 3000);
        SHOW(chmod("file", modes[i]));
        SHOW(chmod("dir", modes[i]));
        reset(1001, 2001, modes[i]), as(1001, 2001);
        SHOW(chmod("file", modes[i]));
        reset(1001, 2001, modes[i]);
        SHOW(truncate("file", 1));
        reset(1001, 2001, modes[i] | 0600), as(1001, 2001);
        SHOW(truncate("file", 1));
        reset(1001, 2001, modes[i] | 0600), as(1001, 2001);
        int fd = open("file", O_WRONLY);
        SHOW(write(fd, "", 0));
        SHOW(write(fd, "a", 1));
        close(fd);
        reset(1001, 2001, modes[i] | 0622), as(1002, 3000);
        fd = open("file", O_WRONLY);
        SHOW(write(fd, "a", 1));
        close(fd);
        reset(1001, 2001, modes[i] | 0622), as(1002, 3000);
        fd = open("file", O_WRONLY | O_TRUNC);
        SHOW(fd < 0 ? -1 : 0);
        SHOW(fallocate(fd, 0, 0, 10));
        close(fd);
    }
    reset(1001, 2001, 0644), as(1002, 2002);
    CALL(chmod("file", 0600));
    CALL(chown("file", 1002, -1));
    CALL(chown("file", -1, 2002));
    CALL(chown("file", -1, -1));
    CALL(chown("absent", -1, -1));
    reset(1001, 2001, 0644), as(1001, 2001);
    CALL(chown("file", 1002, -1));
    CALL(chown("file", -1, 2999));
    CALL(chown("file", -1, 2002));
    CALL(chown("file", 1001, 2001));
    CALL(chown("file", -1, 2002));
    CALL(chmod("file", 01644));
    printf("%o\n", mode_of("file"));
    CALL(chmod("file", 0170644));
    printf("%o\n", mode_of("file"));
    seteuid(0), setegid(0);
    CALL(chmod("file/", 0600));
    CALL(chmod("absent", 0600));
    CALL(chmod("", 0600));
    CALL(fchmod(77, 0600));
    CALL(fchmodat(AT_FDCWD, "file", 0600, 1));
    CALL(fchownat(AT_FDCWD, "file", 0, 0, 1));
    CALL(fchownat(77, "", 0, 0, AT_EMPTY_PATH));
    unlink("file"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
