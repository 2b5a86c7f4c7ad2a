/* Who becomes another user can be dumped no more, and forgets the signal for the death of its parent; a program that is
 * executed begins anew.
 * test: needs root
 */
#include "test.h"
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/wait.h>
static void show(const char *when) {
    int signal = -1;
    prctl(PR_GET_PDEATHSIG, &signal);
    printf("%s: dumpable %d, signal %d\n", when, prctl(PR_GET_DUMPABLE), signal);
}
int main(int argc, char **argv) {
    if (argc > 1) { show(argv[1]); return 0; }
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    show("first");
    CALL(setreuid(-1, 0));
    show("the same");
    CALL(setresuid(1000, -1, -1));
    show("real only");
    CALL(setfsuid(1000));
    show("files");
    CALL(prctl(PR_SET_DUMPABLE, 1));
    CALL(setegid(1000));
    show("group");
    CALL(setresuid(1000, 1000, 1000));
    show("user");
    pid_t child = MUST(fork());
    if (child == 0) {
        show("child");
        execl("/proc/self/exe", "self", "executed", NULL);
        printf("exec: %s\n", test_errno_name(errno));
        _exit(1);
    }
    waitpid(child, NULL, 0);
    return 0;
}
