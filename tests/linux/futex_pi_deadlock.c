/* EDEADLK: two threads that each hold what the other wants; time-outs of FUTEX_LOCK_PI and LOCK_PI2. */
#include "test.h"
enum { LOCK_PI = 128 + 6, UNLOCK_PI = 128 + 7, TRYLOCK_PI = 128 + 8, LOCK_PI2 = 128 + 13 };
static int a, b;
static pthread_barrier_t barrier;
static long futex(int *at, int op, const void *timeout) { return syscall(SYS_futex, at, op, 0, timeout, NULL, 0); }
static void *other(void *arg) {
    MUST(futex(&b, LOCK_PI, NULL));
    pthread_barrier_wait(&barrier);
    if (futex(&a, LOCK_PI, NULL) != 0) printf("the other: %s\n", test_errno_name(errno));
    futex(&a, UNLOCK_PI, NULL);
    futex(&b, UNLOCK_PI, NULL);
    return arg;
}
static void *hold(void *arg) {
    MUST(futex(&b, LOCK_PI, NULL));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    MUST(futex(&b, UNLOCK_PI, NULL));
    return arg;
}
int main(void) {
    pthread_barrier_init(&barrier, NULL, 2);
    MUST(futex(&a, LOCK_PI, NULL));
    pthread_t thread = test_start(other, NULL);
    pthread_barrier_wait(&barrier);
    while (!(__atomic_load_n(&a, __ATOMIC_SEQ_CST) & 0x80000000)) sched_yield();
    CALL(futex(&b, LOCK_PI, NULL));
    CALL(futex(&a, UNLOCK_PI, NULL));
    pthread_join(thread, NULL);
    CALL(a & 0x3fffffff);
    CALL(b & 0x3fffffff);
    thread = test_start(hold, NULL);
    pthread_barrier_wait(&barrier);
    struct timespec past = {1, 0}, soon;
    CALL(futex(&b, LOCK_PI, &past));
    CALL(futex(&b, LOCK_PI2, &past));
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    CALL(futex(&b, LOCK_PI, &soon));
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    CALL(futex(&b, LOCK_PI2, &soon));
    CALL(futex(&b, LOCK_PI2 | 256, &soon));
    CALL(futex(&b, TRYLOCK_PI, NULL));
    CALL(futex(&b, UNLOCK_PI, NULL));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    CALL(futex(&b, LOCK_PI, &past)); /* it is free: no time is needed */
    return 0;
}
