/* Mutexes: plain, recursive, error-checking, try and timed lock. */
#include "test.h"
static const char *name(int error) { return error ? test_errno_name(error) : "ok"; }
static pthread_mutex_t mutex;
static void *try_it(void *arg) {
    struct timespec until;
    printf("try from another thread: %s\n", name(pthread_mutex_trylock(&mutex)));
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 10000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    printf("timed: %s\n", name(pthread_mutex_timedlock(&mutex, &until)));
    printf("unlock of another's: %s\n", name(pthread_mutex_unlock(&mutex)));
    return arg;
}
static long counter;
static void *count(void *arg) {
    for (int i = 0; i < 50000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}
int main(void) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attr);
    printf("lock: %s\n", name(pthread_mutex_lock(&mutex)));
    printf("lock twice: %s\n", name(pthread_mutex_lock(&mutex)));
    pthread_join(test_start(try_it, NULL), NULL);
    printf("unlock: %s\n", name(pthread_mutex_unlock(&mutex)));
    printf("unlock twice: %s\n", name(pthread_mutex_unlock(&mutex)));
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_t nested;
    pthread_mutex_init(&nested, &attr);
    printf("recursive: %s %s\n", name(pthread_mutex_lock(&nested)), name(pthread_mutex_lock(&nested)));
    printf("unlock: %s %s\n", name(pthread_mutex_unlock(&nested)), name(pthread_mutex_unlock(&nested)));
    pthread_mutex_init(&mutex, NULL);
    pthread_t thread[4];
    for (int i = 0; i < 4; i++) thread[i] = test_start(count, NULL);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    CALL(counter);
    return 0;
}
