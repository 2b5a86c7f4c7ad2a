/* The owner of a PI lock dies: without a robust list who waits gets it with a mark, who comes later gets ESRCH. */
#include "test.h"
enum { LOCK_PI = 128 + 6, UNLOCK_PI = 128 + 7, DIED = 0x40000000, WAITERS = (int)0x80000000 };
static int word, waiter;
static pthread_barrier_t barrier;
static long futex(int *at, int op) { return syscall(SYS_futex, at, op, 0, NULL, NULL, 0); }
static void *die(void *arg) {
    MUST(futex(&word, LOCK_PI));
    pthread_barrier_wait(&barrier);
    if (arg) while (!(__atomic_load_n(&word, __ATOMIC_SEQ_CST) & WAITERS)) sched_yield();
    if (arg) test_await_sleep(waiter);
    return NULL;
}
/* The main thread has another number after a boot from an image. */
static void *show_all(void *arg) {
    pthread_barrier_init(&barrier, NULL, 2);
    waiter = gettid();
    pthread_t thread = test_start(die, &word);
    pthread_barrier_wait(&barrier);
    CALL(futex(&word, LOCK_PI));
    YES((word & 0x3fffffff) == gettid() && word & DIED);
    pthread_join(thread, NULL);
    CALL(futex(&word, UNLOCK_PI));
    CALL(word);
    thread = test_start(die, NULL);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    CALL(futex(&word, LOCK_PI));
    return arg;
}
int main(void) {
    pthread_join(test_start(show_all, NULL), NULL);
    return 0;
}
