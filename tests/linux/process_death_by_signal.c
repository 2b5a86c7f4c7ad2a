/* How a child that a signal kills shows: wait status, siginfo.
 */
#include "test.h"
#include <sys/wait.h>

#include <sys/resource.h>

static void show(const char *name, int with) {
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(with, SIG_DFL);
        if (with == SIGSEGV) *(volatile int *)8 = 1;
        if (with == SIGABRT) abort();
        kill(getpid(), with);
        for (;;) pause();
    }
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    int status;
    MUST(waitpid(child, &status, 0));
    printf("%s: signaled %d, signal ok %d, core %d, code %d, status ok %d\n", name, WIFSIGNALED(status),
           WTERMSIG(status) == with, WCOREDUMP(status) ? 1 : 0, info.si_code, info.si_status == with);
}

int main(void) {
    show("TERM", SIGTERM);
    show("KILL", SIGKILL);
    show("SEGV", SIGSEGV);
    show("ABRT", SIGABRT);
    show("PIPE", SIGPIPE);
    show("ALRM", SIGALRM);
    show("USR1", SIGUSR1);
    show("real-time", SIGRTMIN + 3);
    return 0;
}
