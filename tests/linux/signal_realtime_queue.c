/* Real-time signals queue in order of number, each with its value. */
#include "test.h"
static void handler(int sig, siginfo_t *info, void *context) { printf("SIGRTMIN+%d value %d\n", sig - SIGRTMIN, info->si_value.sival_int); }
int main(void) {
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t set;
    sigfillset(&act.sa_mask);
    sigemptyset(&set);
    for (int i = 0; i < 4; i++) sigaction(SIGRTMIN + i, &act, NULL), sigaddset(&set, SIGRTMIN + i);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 12; i++) sigqueue(getpid(), SIGRTMIN + (i * 7) % 4, (union sigval){.sival_int = i});
    puts("unblock");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    puts("done");
    return 0;
}
