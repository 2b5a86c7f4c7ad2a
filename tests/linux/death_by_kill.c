/* SIGKILL to oneself kills and can't be caught or blocked. */
#include "test.h"
int main(void) {
    sigset_t all;
    sigfillset(&all);
    CALL(sigprocmask(SIG_SETMASK, &all, NULL));
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    CALL(sigaction(SIGKILL, &ignore, NULL));
    CALL(sigaction(SIGSTOP, &ignore, NULL));
    kill(getpid(), SIGKILL);
    puts("still here");
}
