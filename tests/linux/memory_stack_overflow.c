/* A stack that overflows raises SIGSEGV, which can be handled on an alternate stack. */
#include "test.h"
#include <setjmp.h>
static sigjmp_buf back;
static volatile int handled;
static void on_fault(int sig) {
    handled++;
    siglongjmp(back, 1);
}
static int deeper(volatile char *above) {
    volatile char frame[4096];
    frame[0] = above ? above[0] : 0;
    return deeper(frame) + frame[0];
}
int main(void) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    CALL(sigaltstack(&alternate, NULL));
    struct sigaction act = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    CALL(sigaction(SIGSEGV, &act, NULL));
    for (int i = 0; i < 3; i++)
        if (sigsetjmp(back, 1) == 0) deeper(NULL);
    CALL(handled);
    return 0;
}
