/* A robust mutex whose owner died is handed on with EOWNERDEAD. */
#include "test.h"
static pthread_mutex_t mutex;
static void *die_with_it(void *arg) {
    pthread_mutex_lock(&mutex);
    return arg;
}
static void *wait_for_it(void *arg) { return (void *)(long)pthread_mutex_lock(&mutex); }
static void *hold_then_die(void *arg) {
    pthread_mutex_lock(&mutex);
    pthread_barrier_wait(arg);
    test_sleep_ms(10);
    return arg;
}
int main(void) {
    void *result;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    CALL(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
    pthread_mutex_init(&mutex, &attr);
    pthread_join(test_start(die_with_it, NULL), NULL);
    YES(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    CALL(pthread_mutex_consistent(&mutex));
    CALL(pthread_mutex_unlock(&mutex));
    CALL(pthread_mutex_lock(&mutex));
    CALL(pthread_mutex_unlock(&mutex));
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t holder = test_start(hold_then_die, &barrier);
    pthread_barrier_wait(&barrier);
    pthread_t waiter = test_start(wait_for_it, NULL);
    pthread_join(holder, NULL);
    pthread_join(waiter, &result);
    YES((long)result == EOWNERDEAD);
    YES(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    CALL(pthread_mutex_unlock(&mutex));
    YES(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
    return 0;
}
