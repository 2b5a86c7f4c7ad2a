/* Handlers: masks during them, nesting, SA_RESETHAND, SA_NODEFER, pending sets, SIG_IGN.
 * test: variants dynamic static musl
 */
#include "test.h"
static volatile int depth, deepest, count, again;
static void on_signal(int sig) {
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    count++;
    if (++depth > deepest) deepest = depth;
    printf("%s: usr1 %s usr2 %s depth %d\n", sig == SIGUSR1 ? "USR1" : "USR2", sigismember(&now, SIGUSR1) ? "blocked" : "open",
           sigismember(&now, SIGUSR2) ? "blocked" : "open", depth);
    if (depth == 1 && sig == SIGUSR1) raise(SIGUSR2);
    if (sig == SIGUSR2 && again) {
        again = 0;
        raise(SIGUSR2);
    }
    depth--;
}
int main(void) {
    struct sigaction act = {.sa_handler = on_signal}, old;
    sigset_t set, pending;
    CALL(sigaction(SIGUSR1, &act, NULL));
    CALL(sigaction(SIGUSR2, &act, NULL));
    CALL(raise(SIGUSR1));
    puts("- a signal that raises itself waits");
    again = 1;
    CALL(raise(SIGUSR2));
    puts("- and does not with SA_NODEFER");
    act.sa_flags = SA_NODEFER;
    again = 1;
    CALL(sigaction(SIGUSR2, &act, NULL));
    CALL(raise(SIGUSR2));
    puts("- blocked while handling");
    act.sa_flags = 0;
    sigaddset(&act.sa_mask, SIGUSR2);
    CALL(sigaction(SIGUSR1, &act, NULL));
    CALL(raise(SIGUSR1));
    puts("- blocked, pending once");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    raise(SIGUSR1), raise(SIGUSR1);
    CALL(sigpending(&pending));
    YES(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
    count = 0;
    CALL(sigprocmask(SIG_UNBLOCK, &set, NULL));
    CALL(count);
    puts("- ignored ones vanish");
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    CALL(sigpending(&pending));
    YES(!sigismember(&pending, SIGUSR1));
    CALL(sigprocmask(SIG_UNBLOCK, &set, NULL));
    act.sa_flags = SA_RESETHAND;
    CALL(sigaction(SIGUSR2, &act, NULL));
    raise(SIGUSR2);
    CALL(sigaction(SIGUSR2, NULL, &old));
    YES(old.sa_handler == SIG_DFL);
    CALL(sigaction(0, &act, NULL));
    CALL(sigaction(65, &act, NULL));
    CALL(sigprocmask(99, &set, NULL));
    CALL(kill(getpid(), 0));
    CALL(kill(getpid(), 99));
    CALL(kill(999999, 0));
    signal(SIGCHLD, SIG_DFL);
    CALL(raise(SIGCHLD));
    CALL(raise(SIGURG));
    CALL(raise(SIGCONT));
    return 0;
}
