/* SIGCHLD: sent at the end of a child, with its facts; ignored or with SA_NOCLDWAIT there is no zombie.
 */
#include "test.h"
#include <sys/wait.h>


static volatile sig_atomic_t count;
static volatile siginfo_t last;

static void handler(int signal, siginfo_t *info, void *context) {
    count++;
    last.si_code = info->si_code;
    *(siginfo_t *)&last = *info;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGCHLD, &action, NULL));
    sigset_t chld, old;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    MUST(sigprocmask(SIG_BLOCK, &chld, &old));
    pid_t child = fork();
    if (child == 0) _exit(5);
    while (count == 0) sigsuspend(&old);
    siginfo_t seen = *(siginfo_t *)&last;
    YES(count == 1 && seen.si_pid == child && seen.si_code == CLD_EXITED && seen.si_status == 5);
    int status;
    YES(waitpid(child, &status, 0) == child);
    /* Interrupts a wait that has nothing to answer. */
    int go[2];
    MUST(pipe(go));
    child = fork();
    if (child == 0) {
        pid_t inner = fork();
        if (inner == 0) _exit(1);
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    while (count == 1) sigsuspend(&old);
    YES(waitpid(child, &status, 0) == child && status == 0);
    /* No zombies. */
    action.sa_flags = SA_SIGINFO | SA_NOCLDWAIT;
    MUST(sigaction(SIGCHLD, &action, NULL));
    child = fork();
    if (child == 0) _exit(6);
    CALL(waitpid(child, &status, 0));
    MUST(sigprocmask(SIG_SETMASK, &old, NULL));
    YES(count == 3);
    signal(SIGCHLD, SIG_IGN);
    child = fork();
    if (child == 0) _exit(7);
    CALL(wait(&status));
    YES(count == 3);
    /* Ignored stays ignored over fork; default has zombies again. */
    signal(SIGCHLD, SIG_DFL);
    child = fork();
    if (child == 0) _exit(8);
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 8);
    return 0;
}
