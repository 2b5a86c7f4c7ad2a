/* A program whose file says so runs as its owner and group, with AT_SECURE; not with PR_SET_NO_NEW_PRIVS.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
static char program[64];
static void run(const char *what, mode_t mode, int uid, int gid, int no_privileges) {
    MUST(chown(program, uid, gid));
    MUST(chmod(program, mode));
    pid_t child = MUST(fork());
    if (child == 0) {
        MUST(setgroups(0, NULL));
        MUST(setresgid(1000, 1000, 1000));
        MUST(setresuid(1000, 1000, 1000));
        if (no_privileges) MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        execl(program, "program", what, NULL);
        printf("%s: %s\n", what, test_errno_name(errno));
        _exit(1);
    }
    waitpid(child, NULL, 0);
}
int main(int argc, char **argv) {
    if (argc > 1) {
        uid_t r, e, s;
        gid_t rg, eg, sg;
        getresuid(&r, &e, &s), getresgid(&rg, &eg, &sg);
        printf("%s: user %d %d %d, group %d %d %d, secure %ld, dumpable %d\n", argv[1], r, e, s, rg, eg, sg, (long)getauxval(AT_SECURE),
               prctl(PR_GET_DUMPABLE));
        return 0;
    }
    test_scratch_directory();
    MUST(chmod(".", 0755));
    if (!getcwd(program, sizeof program)) MUST(-1);
    strcat(program, "/program");
    int from = MUST(open("/proc/self/exe", O_RDONLY)), to = MUST(open(program, O_WRONLY | O_CREAT, 0755));
    static char bytes[65536];
    for (ssize_t len; (len = read(from, bytes, sizeof bytes)) > 0;) MUST(write(to, bytes, len));
    close(to);
    run("plain", 0755, 0, 0, 0);
    run("user", 04755, 0, 0, 0);
    run("another user", 04755, 2000, 0, 0);
    run("group", 02755, 0, 3000, 0);
    run("both", 06755, 2000, 3000, 0);
    run("no group permission", 02745, 0, 3000, 0);
    run("no new privileges", 06755, 0, 0, 1);
    run("not executable", 04644, 0, 0, 0);
    MUST(unlink(program));
    test_remove_scratch_directory();
    return 0;
}
