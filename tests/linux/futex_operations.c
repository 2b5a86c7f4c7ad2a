/* Raw futexes: mismatches, time-outs, wakes counted, bit sets, requeue, wake-op. */
#include "test.h"
enum { WAIT = 128, WAKE = 129, REQUEUE = 131, CMP_REQUEUE = 132, WAKE_OP = 133, WAIT_BITSET = 137, WAKE_BITSET = 138 };
static int word, other, woken;
static long futex(int *at, int op, int value, const void *timeout, int *second, int third) {
    return syscall(SYS_futex, at, op, value, timeout, second, third);
}
static void *waiter(void *bits) {
    while (futex(&word, WAIT_BITSET, 0, NULL, NULL, (int)(long)bits) != 0) {}
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}
/* Wakes until so many in all have been woken: a thread may not be waiting yet. */
static void wake_until(int *at, int count, int bits) {
    int total = 0;
    while (total < count) {
        total += (int)futex(at, WAKE_BITSET, 1, NULL, NULL, bits);
        sched_yield();
    }
    printf("woke %d\n", total);
}
int main(void) {
    struct timespec brief = {0, 10000000}, bad = {0, 2000000000}, past = {1, 0};
    pthread_t thread[6];
    CALL(futex(&word, WAIT, 1, NULL, NULL, 0));
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    CALL(futex(&word, WAIT, 0, &brief, NULL, 0));
    YES(test_now_ns(CLOCK_MONOTONIC) - before >= 10000000);
    CALL(futex(&word, WAIT, 0, &bad, NULL, 0));
    CALL(futex(&word, WAIT_BITSET, 0, &past, NULL, -1));
    CALL(futex(&word, WAIT_BITSET | 256, 0, &past, NULL, -1));
    CALL(futex(&word, WAIT_BITSET, 0, &past, NULL, 0));
    CALL(futex((int *)((char *)&word + 1), WAIT, 0, NULL, NULL, 0));
    CALL(futex(&word, WAKE, 10, NULL, NULL, 0));
    CALL(futex(&word, 128 + 99, 0, NULL, NULL, 0));
    for (int i = 0; i < 6; i++) thread[i] = test_start(waiter, (void *)(long)(i < 3 ? 1 : 2));
    wake_until(&word, 3, 2);
    for (int i = 3; i < 6; i++) pthread_join(thread[i], NULL);
    CALL(woken);
    CALL(futex(&word, CMP_REQUEUE, 0, (void *)9, &other, 1));
    int moved = 0;
    while (moved < 2) moved += (int)futex(&word, CMP_REQUEUE, 0, (void *)(long)(2 - moved), &other, 0);
    printf("moved %d\n", moved);
    wake_until(&other, 2, 1);
    wake_until(&word, 1, 1);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    CALL(woken);
    other = 5;
    CALL(futex(&word, WAKE_OP, 1, (void *)1, &other, 1 << 28 | 0 << 24 | 3 << 12 | 5));
    CALL(other);
    return 0;
}
