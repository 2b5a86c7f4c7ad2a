/* A signal's handler runs while a thread waits for a PI lock, and the call goes on after it, SA_RESTART or not. */
#include "test.h"
enum { LOCK_PI = 128 + 6, UNLOCK_PI = 128 + 7, WAITERS = (int)0x80000000 };
static int word;
static volatile int handled, locked;
static long futex(int *at, int op) { return syscall(SYS_futex, at, op, 0, NULL, NULL, 0); }
static void handle(int signal) { (void)signal; handled++; }
static void *wait_for_it(void *arg) {
    CALL(futex(&word, LOCK_PI));
    locked = 1;
    YES((word & 0x3fffffff) == gettid());
    CALL(futex(&word, UNLOCK_PI));
    return arg;
}
int main(void) {
    struct sigaction action = {.sa_handler = handle};
    MUST(sigaction(SIGUSR1, &action, NULL));
    MUST(futex(&word, LOCK_PI));
    pthread_t thread = test_start(wait_for_it, NULL);
    while (!(__atomic_load_n(&word, __ATOMIC_SEQ_CST) & WAITERS)) sched_yield();
    for (int i = 1; i <= 3; i++) {
        pthread_kill(thread, SIGUSR1);
        while (handled < i) sched_yield();
    }
    CALL(handled);
    CALL(locked);
    MUST(futex(&word, UNLOCK_PI));
    pthread_join(thread, NULL);
    return 0;
}
