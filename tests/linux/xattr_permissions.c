/* Extended attributes: who may read and write which.
 * test: needs root
 */
#include "test.h"
#include <linux/capability.h>
#include <grp.h>
#include <sys/xattr.h>
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
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0777)), MUST(setgroups(0, NULL));
    test_write_file("file", "x"), MUST(mkdir("dir", 0777)), MUST(mkdir("sticky", 01777)), MUST(chmod("sticky", 01777));
    MUST(chown("file", 1001, 2001)), MUST(chown("dir", 1001, 2001)), MUST(chown("sticky", 1001, 2001));
    const char *names[] = {"user.x", "trusted.x", "security.x", "security.capability"};
    static const mode_t modes[] = {0666, 0644, 0600, 0200, 0400};
    char out[100];
    for (int m = 0; m < 5; m++)
        for (uid_t who = 1001; who <= 1002; who++)
            for (int n = 0; n < 4; n++) {
                MUST(seteuid(0)), MUST(chmod("file", modes[m]));
                setxattr("file", names[n], "old", 3, 0);
                MUST(seteuid(who));
                printf("%o user %d %s\n", modes[m], who, names[n]);
                CALL(getxattr("file", names[n], out, 100));
                CALL(setxattr("file", names[n], "new", 3, 0));
                CALL(listxattr("file", NULL, 0) > 0);
                CALL(removexattr("file", names[n]));
            }
    for (uid_t who = 1001; who <= 1002; who++) {
        MUST(seteuid(0)), MUST(seteuid(who));
        printf("user %d\n", who);
        CALL(setxattr("dir", "user.x", "x", 1, 0));
        CALL(setxattr("sticky", "user.x", "x", 1, 0));
        CALL(getxattr("sticky", "user.x", out, 1));
    }
    MUST(seteuid(0));
    unlink("file"), rmdir("dir"), rmdir("sticky");
    test_remove_scratch_directory();
    return 0;
}
