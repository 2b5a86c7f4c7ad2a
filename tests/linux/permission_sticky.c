/* Sticky directories: who may remove and rename what.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
static void as(uid_t uid) { MUST(seteuid(0)), MUST(setegid(uid + 1000)), MUST(seteuid(uid)); }
static void make(const char *path, uid_t owner) {
    MUST(seteuid(0));
    test_write_file(path, "x"), MUST(chown(path, owner, owner + 1000));
}
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0777)), MUST(setgroups(0, NULL));
    MUST(mkdir("sticky", 01777)), MUST(chmod("sticky", 01777)), MUST(chown("sticky", 1001, 0)), MUST(mkdir("free", 0777));
    for (uid_t who = 1001; who <= 1003; who++) {
        printf("user %d\n", who);
        make("sticky/f", 1002);
        as(who);
        CALL(unlink("sticky/f"));
        make("sticky/f", 1002);
        as(who);
        CALL(rename("sticky/f", "sticky/g"));
        make("sticky/f", 1002), make("free/f", who);
        as(who);
        CALL(rename("free/f", "sticky/f"));
        make("sticky/f", 1002), make("free/f", who);
        as(who);
        CALL(syscall(SYS_renameat2, AT_FDCWD, "free/f", AT_FDCWD, "sticky/f", 2));
        seteuid(0);
        mkdir("sticky/d", 0777), chmod("sticky/d", 0777), chown("sticky/d", 1002, 0);
        as(who);
        CALL(rename("sticky/d", "free/d"));
        seteuid(0), rmdir("free/d"), mkdir("sticky/d", 0777), chown("sticky/d", 1002, 0);
        as(who);
        CALL(rmdir("sticky/d"));
        CALL(link("sticky/f", "sticky/h"));
        CALL(chmod("sticky/f", 0600));
        CALL(chmod("sticky", 0777));
        seteuid(0);
        MUST(chmod("sticky", 01777));
        unlink("sticky/h"), unlink("sticky/g"), unlink("sticky/f"), unlink("free/f"), rmdir("sticky/d");
    }
    rmdir("sticky"), rmdir("free");
    test_remove_scratch_directory();
    return 0;
}
