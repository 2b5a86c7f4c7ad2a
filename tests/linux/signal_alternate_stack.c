/* sigaltstack: used with SA_ONSTACK only, nested signals stay on it, refusals. */
#include "test.h"
static char stack[65536];
static bool on_it(void) {
    char here;
    return (uintptr_t)&here >= (uintptr_t)stack && (uintptr_t)&here < (uintptr_t)stack + sizeof stack;
}
static void handler(int sig) {
    stack_t now;
    printf("%d: on the alternate stack %d\n", sig == SIGUSR1, on_it());
    sigaltstack(NULL, &now);
    printf("flags %d\n", now.ss_flags);
    if (sig == SIGUSR1) {
        CALL(sigaltstack(&now, NULL));
        raise(SIGUSR2);
    }
}
int main(void) {
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack}, old;
    CALL(sigaltstack(NULL, &old));
    CALL(old.ss_flags);
    CALL(sigaltstack(&alternate, NULL));
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &act, NULL);
    sigaction(SIGUSR2, &act, NULL);
    raise(SIGUSR1);
    act.sa_flags = 0;
    sigaction(SIGUSR2, &act, NULL);
    raise(SIGUSR2);
    alternate.ss_size = 100;
    CALL(sigaltstack(&alternate, NULL));
    alternate.ss_flags = 77;
    CALL(sigaltstack(&alternate, NULL));
    alternate.ss_flags = SS_DISABLE;
    CALL(sigaltstack(&alternate, &old));
    YES(old.ss_sp == stack && old.ss_size == sizeof stack);
    return 0;
}
