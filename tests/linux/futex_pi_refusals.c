/* FUTEX_LOCK_PI, TRYLOCK_PI, UNLOCK_PI: free, owned and orphaned words, and the documented errors. */
#include "test.h"
enum { LOCK_PI = 128 + 6, UNLOCK_PI = 128 + 7, TRYLOCK_PI = 128 + 8, WAIT_REQUEUE_PI = 128 + 11, CMP_REQUEUE_PI = 128 + 12,
       LOCK_PI2 = 128 + 13, CLOCK_RT = 256, WAITERS = (int)0x80000000, DIED = 0x40000000 };
static int word, other;
static long futex(int *at, int op, int value, const void *timeout, int *second, int third) {
    return syscall(SYS_futex, at, op, value, timeout, second, third);
}
static void show(void) {
    int tid = word & 0x3fffffff;
    printf("  word: %s%s%s\n", tid == 0 ? "nobody" : tid == gettid() ? "this thread" : "another", word & WAITERS ? ", waiters" : "",
           word & DIED ? ", owner died" : "");
}
/* The main thread has another number after a boot from an image. */
static void *show_all(void *arg) {
    struct timespec past = {1, 0}, bad = {0, 2000000000};
    CALL(futex(&word, LOCK_PI, 0, NULL, NULL, 0));
    show();
    CALL(futex(&word, LOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, TRYLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    show();
    CALL(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, TRYLOCK_PI, 0, NULL, NULL, 0));
    show();
    word |= WAITERS;
    CALL(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    show();
    word = DIED;
    CALL(futex(&word, LOCK_PI, 0, NULL, NULL, 0));
    show();
    word = DIED | WAITERS;
    CALL(futex(&word, TRYLOCK_PI, 0, NULL, NULL, 0));
    show();
    word = 0x3ffffff0; /* no such thread */
    CALL(futex(&word, LOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, TRYLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, LOCK_PI, 0, &past, NULL, 0));
    word = 0;
    CALL(futex(&word, LOCK_PI, 0, &bad, NULL, 0));
    CALL(futex(&word, LOCK_PI, 0, (void *)8, NULL, 0));
    CALL(futex(&word, TRYLOCK_PI, 0, (void *)8, NULL, 0));
    show();
    CALL(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, LOCK_PI2, 0, NULL, NULL, 0));
    CALL(futex(&word, LOCK_PI2 | CLOCK_RT, 0, NULL, NULL, 0));
    CALL(futex(&word, LOCK_PI | CLOCK_RT, 0, NULL, NULL, 0));
    CALL(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex((int *)8, LOCK_PI, 0, NULL, NULL, 0));
    CALL(futex((int *)8, UNLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex((int *)((char *)&word + 1), LOCK_PI, 0, NULL, NULL, 0));
    CALL(futex((int *)((char *)&word + 1), TRYLOCK_PI, 0, NULL, NULL, 0));
    CALL(futex(&word, WAIT_REQUEUE_PI, 0, NULL, &word, 0));
    CALL(futex(&word, WAIT_REQUEUE_PI, 1, NULL, &other, 0));
    CALL(futex(&word, WAIT_REQUEUE_PI, 0, &past, &other, 0));
    CALL(futex(&word, WAIT_REQUEUE_PI | CLOCK_RT, 0, &past, &other, 0));
    CALL(futex(&word, WAIT_REQUEUE_PI, 0, &bad, &other, 0));
    CALL(futex(&word, CMP_REQUEUE_PI, 1, (void *)1, &word, 0));
    CALL(futex(&word, CMP_REQUEUE_PI, 2, (void *)1, &other, 0));
    CALL(futex(&word, CMP_REQUEUE_PI, 1, (void *)-1, &other, 0));
    CALL(futex(&word, CMP_REQUEUE_PI, 1, (void *)1, &other, 1));
    CALL(futex(&word, CMP_REQUEUE_PI, 1, (void *)1, &other, 0));
    return arg;
}
int main(void) {
    pthread_join(test_start(show_all, NULL), NULL);
    return 0;
}
