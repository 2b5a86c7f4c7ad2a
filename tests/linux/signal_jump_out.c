/* setjmp and longjmp, out of nested calls and out of handlers, with and without the mask.
 * test: variants dynamic musl
 */
#include "test.h"
#include <setjmp.h>
static sigjmp_buf back;
static jmp_buf plain;
static void handler(int sig) { siglongjmp(back, 5); }
static void deep(volatile int n) {
    if (n == 0) longjmp(plain, 3);
    deep(n - 1);
}
int main(void) {
    volatile int rounds = 0;
    int value = setjmp(plain);
    CALL(value);
    if (value == 0) deep(50);
    signal(SIGUSR1, handler);
    while (rounds < 100) {
        if (sigsetjmp(back, 1) == 0) {
            raise(SIGUSR1);
            puts("not reached");
        }
        rounds++;
    }
    CALL(rounds);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    YES(!sigismember(&now, SIGUSR1));
    if (sigsetjmp(back, 0) == 0) raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    YES(sigismember(&now, SIGUSR1));
    return 0;
}
