/* Alarms and pending signals: not inherited by fork, kept by exec.
 */
#include "test.h"
#include <sys/wait.h>


int main(int argc, char **argv) {
    if (argc > 1) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        sigaddset(&set, SIGUSR1);
        int got;
        struct itimerval left;
        YES(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec + left.it_value.tv_usec > 0);
        sigset_t pending;
        sigpending(&pending);
        YES(sigismember(&pending, SIGUSR1) == 1);
        struct itimerval soon = {.it_value = {0, 1000}};
        setitimer(ITIMER_REAL, &soon, NULL);
        sigdelset(&set, SIGUSR1);
        sigwait(&set, &got);
        YES(got == SIGALRM);
        return 3;
    }
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    alarm(19);
    raise(SIGUSR1);
    int status;
    pid_t child = fork();
    if (child == 0) {
        sigpending(&pending);
        struct itimerval left;
        getitimer(ITIMER_REAL, &left);
        sigset_t mask;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        _exit(!sigismember(&pending, SIGUSR1) && left.it_value.tv_sec == 0 && sigismember(&mask, SIGUSR1) ? 0 : 1);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    child = fork();
    if (child == 0) {
        alarm(18);
        raise(SIGUSR1);
        char self[PATH_MAX];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        self[len > 0 ? len : 0] = 0;
        execl(self, argv[0], "again", (char *)NULL);
        _exit(9);
    }
    YES(waitpid(child, &status, 0) == child);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
