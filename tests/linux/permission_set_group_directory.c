/* What is made in a directory with the set-group-id bit.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
static void show(const char *path) {
    struct stat s;
    if (lstat(path, &s)) printf("%s %s\n", path, test_errno_name(errno));
    else printf("%s mode %o owner %d:%d\n", path, s.st_mode, s.st_uid, s.st_gid);
}
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0777)), MUST(setgroups(0, NULL));
    MUST(mkdir("d", 0777)), MUST(chown("d", 1001, 2001)), MUST(chmod("d", 02777));
    for (int root = 0; root < 2; root++) {
        if (!root) MUST(setegid(3001)), MUST(seteuid(1002));
        close(MUST(open("d/file", O_CREAT | O_WRONLY, 02777)));
        close(MUST(open("d/plain", O_CREAT | O_WRONLY, 02666)));
        MUST(mkdir("d/dir", 0755)), MUST(mkdir("d/dir/deeper", 02755)), MUST(mkfifo("d/fifo", 02777)), MUST(symlink("x", "d/link"));
        MUST(mknod("d/node", S_IFREG | 02777, 0));
        close(MUST(open("d", O_TMPFILE | O_WRONLY, 02777)));
        show("d/file"), show("d/plain"), show("d/dir"), show("d/dir/deeper"), show("d/fifo"), show("d/link"), show("d/node");
        MUST(seteuid(0)), MUST(setegid(0));
        unlink("d/file"), unlink("d/plain"), unlink("d/fifo"), unlink("d/link"), unlink("d/node"), rmdir("d/dir/deeper"), rmdir("d/dir");
    }
    rmdir("d");
    test_remove_scratch_directory();
    return 0;
}
