/* Signals for a group, for all, for a zombie and for nobody.
 */
#include "test.h"
#include <sys/wait.h>


static pid_t sleeper(pid_t group) {
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, group);
        for (;;) pause();
    }
    setpgid(child, group ? group : child);
    return child;
}

int main(void) {
    setpgid(0, 0); /* ours alone: whoever started us is not meant */
    pid_t first = sleeper(0), second = sleeper(first), third = sleeper(0);
    CALL(kill(-first, 0));
    CALL(kill(-first, SIGTERM));
    int status;
    YES(waitpid(first, &status, 0) == first && WTERMSIG(status) == SIGTERM);
    YES(waitpid(second, &status, 0) == second && WTERMSIG(status) == SIGTERM);
    CALL(waitpid(third, &status, WNOHANG));
    CALL(kill(-first, 0));
    CALL(kill(third, SIGKILL));
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)third, &info, WEXITED | WNOWAIT));
    CALL(kill(third, 0));
    CALL(kill(third, SIGTERM));
    YES(waitpid(third, &status, 0) == third && WTERMSIG(status) == SIGKILL);
    CALL(kill(third, 0));
    CALL(kill(999999, SIGTERM));
    CALL(kill(getpid(), 65));
    signal(SIGUSR1, SIG_IGN);
    CALL(kill(0, SIGUSR1));
    return 0;
}
