/* Who may do what to a file: owner, group, others and root, for every mode.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
static void as(uid_t uid, gid_t gid) {
    MUST(setegid(gid)), MUST(seteuid(uid));
}
static void back(void) { MUST(seteuid(0)), MUST(setegid(0)); }
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0755));
    MUST(setgroups(0, NULL));
    int here = MUST(open(".", O_RDONLY));
    test_write_file("file", "#!");
    MUST(mkdir("dir", 0755));
    test_write_file("dir/inner", "x");
    MUST(chown("file", 1001, 2001)), MUST(chown("dir", 1001, 2001));
    static const struct { const char *name; uid_t uid; gid_t gid; } who[] = {
        {"owner", 1001, 3000}, {"group", 1002, 2001}, {"other", 1003, 3000}, {"root", 0, 0}};
    static const int modes[] = {0, 0400, 0200, 0100, 0040, 0020, 0010, 0004, 0002, 0001, 0700, 0070, 0007, 0644, 0755, 0111, 0444, 0666};
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        MUST(chmod("file", modes[m])), MUST(chmod("dir", modes[m]));
        for (int w = 0; w < 4; w++) {
            as(who[w].uid, who[w].gid);
            printf("%03o %s:", modes[m], who[w].name);
#define ASK(call) printf(" %s", (call) < 0 ? test_errno_name(errno) : "ok")
            int fd;
            ASK(fd = open("file", O_RDONLY)); close(fd);
            ASK(fd = open("file", O_WRONLY)); close(fd);
            ASK(fd = open("file", O_RDWR)); close(fd);
            ASK(truncate("file", 2));
            ASK(faccessat(AT_FDCWD, "file", X_OK, AT_EACCESS));
            ASK(fd = open("dir", O_RDONLY)); close(fd);
            struct stat s;
            ASK(stat("dir/inner", &s));
            ASK(fd = open("dir/new", O_CREAT | O_WRONLY, 0600)); close(fd);
            ASK(unlink("dir/new"));
            ASK(rename("dir/inner", "dir/moved"));
            ASK(rename("dir/moved", "dir/inner"));
            ASK(chdir("dir"));
            back();
            MUST(fchdir(here));
            printf("\n");
        }
    }
    MUST(chmod("dir", 0755));
    unlink("dir/inner"), unlink("file"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
