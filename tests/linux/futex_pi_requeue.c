/* FUTEX_WAIT_REQUEUE_PI and CMP_REQUEUE_PI: who waits for a condition comes back with the lock. */
#include "test.h"
enum { WAIT = 128, WAKE = 129, REQUEUE = 131, LOCK_PI = 128 + 6, UNLOCK_PI = 128 + 7, WAIT_REQUEUE_PI = 128 + 11, CMP_REQUEUE_PI = 128 + 12 };
static int condition, lock, other, back;
static long futex(int *at, int op, int value, const void *timeout, int *second, int third) {
    return syscall(SYS_futex, at, op, value, timeout, second, third);
}
static void *wait_for_it(void *arg) {
    if (futex(&condition, WAIT_REQUEUE_PI, 0, NULL, &lock, 0) != 0) printf("wait: %s\n", test_errno_name(errno));
    if ((lock & 0x3fffffff) != gettid()) printf("not the owner\n");
    back++;
    if (futex(&lock, UNLOCK_PI, 0, NULL, NULL, 0) != 0) printf("unlock: %s\n", test_errno_name(errno));
    return arg;
}
int main(void) {
    pthread_t thread[3];
    MUST(futex(&lock, LOCK_PI, 0, NULL, NULL, 0));
    for (int i = 0; i < 3; i++) thread[i] = test_start(wait_for_it, NULL);
    /* Nobody is woken past the lock; EINVAL as soon as somebody waits. */
    while (futex(&condition, WAKE, 1, NULL, NULL, 0) == 0) sched_yield();
    CALL(futex(&condition, WAKE, 1, NULL, NULL, 0));
    CALL(futex(&condition, REQUEUE, 1, (void *)1, &other, 0));
    CALL(futex(&condition, CMP_REQUEUE_PI, 1, (void *)5, &other, 0));
    int moved = 0;
    while (moved < 3) {
        long more = futex(&condition, CMP_REQUEUE_PI, 1, (void *)5, &lock, 0);
        if (more < 0) { CALL(more); return 1; }
        moved += (int)more;
        sched_yield();
    }
    CALL(moved);
    CALL(back);
    CALL(futex(&lock, UNLOCK_PI, 0, NULL, NULL, 0));
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    CALL(back);
    /* A free lock goes to the first at once. */
    thread[0] = test_start(wait_for_it, NULL);
    while (futex(&condition, CMP_REQUEUE_PI, 1, (void *)0, &lock, 0) == 0) sched_yield();
    pthread_join(thread[0], NULL);
    CALL(back);
    /* Time runs out before and after it was moved. */
    struct timespec soon;
    clock_gettime(CLOCK_MONOTONIC, &soon);
    CALL(futex(&condition, WAIT_REQUEUE_PI, 0, &soon, &lock, 0));
    return 0;
}
