/* glibc's mutexes with priority inheritance: normal, recursive, error-checking, robust; and in a condition variable. */
#include "test.h"
static pthread_mutex_t mutex, robust;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turns, counter;
static void *count(void *arg) {
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}
static void *take_turns(void *me) {
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (turns % 2 != (long)me) pthread_cond_wait(&condition, &mutex);
        turns++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}
static void *die_with_it(void *arg) { pthread_mutex_lock(&robust); return arg; }
static void *try_it(void *arg) { (void)arg; return (void *)(long)pthread_mutex_trylock(&mutex); }
static void *time_it(void *arg) {
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    (void)arg;
    return (void *)(long)pthread_mutex_timedlock(&mutex, &soon);
}
static void set(pthread_mutex_t *m, int kind, int robustness) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    CALL(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
    pthread_mutexattr_settype(&attr, kind);
    pthread_mutexattr_setrobust(&attr, robustness);
    CALL(pthread_mutex_init(m, &attr));
}
int main(void) {
    pthread_t thread[4];
    void *result;
    set(&mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
    for (int i = 0; i < 4; i++) thread[i] = test_start(count, NULL);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    CALL(counter);
    for (long i = 0; i < 2; i++) thread[i] = test_start(take_turns, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    CALL(turns);
    pthread_mutex_lock(&mutex);
    pthread_join(test_start(try_it, NULL), &result);
    YES((long)result == EBUSY);
    pthread_join(test_start(time_it, NULL), &result);
    YES((long)result == ETIMEDOUT);
    CALL(pthread_mutex_unlock(&mutex));
    CALL(pthread_mutex_destroy(&mutex));
    set(&mutex, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
    CALL(pthread_mutex_lock(&mutex));
    YES(pthread_mutex_lock(&mutex) == EDEADLK);
    CALL(pthread_mutex_unlock(&mutex));
    YES(pthread_mutex_unlock(&mutex) == EPERM);
    set(&mutex, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED);
    CALL(pthread_mutex_lock(&mutex));
    CALL(pthread_mutex_lock(&mutex));
    CALL(pthread_mutex_unlock(&mutex));
    CALL(pthread_mutex_unlock(&mutex));
    set(&robust, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
    pthread_join(test_start(die_with_it, NULL), NULL);
    YES(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CALL(pthread_mutex_consistent(&robust));
    CALL(pthread_mutex_unlock(&robust));
    pthread_join(test_start(die_with_it, NULL), NULL);
    YES(pthread_mutex_trylock(&robust) == EOWNERDEAD);
    CALL(pthread_mutex_unlock(&robust));
    YES(pthread_mutex_lock(&robust) == ENOTRECOVERABLE);
    return 0;
}
