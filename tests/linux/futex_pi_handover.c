/* A PI lock goes from its owner to who waits first; FUTEX_WAKE does not reach who waits for one. */
#include "test.h"
enum { WAIT = 128, WAKE = 129, LOCK_PI = 128 + 6, UNLOCK_PI = 128 + 7, TRYLOCK_PI = 128 + 8, WAITERS = (int)0x80000000 };
static int word, order[3], next;
static volatile int started[3];
static long futex(int *at, int op, int value, const void *timeout) { return syscall(SYS_futex, at, op, value, timeout, NULL, 0); }
static void *wait_for_it(void *index) {
    started[(long)index] = gettid();
    if (futex(&word, LOCK_PI, 0, NULL) != 0) printf("lock: %s\n", test_errno_name(errno));
    order[next++] = (int)(long)index;
    if ((word & 0x3fffffff) != gettid()) printf("not the owner\n");
    if (futex(&word, UNLOCK_PI, 0, NULL) != 0) printf("unlock: %s\n", test_errno_name(errno));
    return NULL;
}
int main(void) {
    pthread_t thread[3];
    CALL(futex(&word, LOCK_PI, 0, NULL));
    for (long i = 0; i < 3; i++) {
        thread[i] = test_start(wait_for_it, (void *)i);
        while (!started[i]) sched_yield();
        test_await_sleep(started[i]);
        while (!(__atomic_load_n(&word, __ATOMIC_SEQ_CST) & WAITERS)) sched_yield();
    }
    CALL(futex(&word, WAKE, 1, NULL));
    CALL(futex(&word, TRYLOCK_PI, 0, NULL));
    CALL(futex(&word, UNLOCK_PI, 0, NULL));
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    printf("%d %d %d\n", order[0], order[1], order[2]);
    CALL(word & 0x3fffffff);
    return 0;
}
