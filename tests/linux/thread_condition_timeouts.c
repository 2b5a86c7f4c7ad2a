/* Timed waits on conditions and semaphores, on both clocks. */
#include "test.h"
#include <semaphore.h>
static struct timespec in_ms(clockid_t clock, long ms) {
    struct timespec at;
    clock_gettime(clock, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}
static sem_t semaphore;
static void *post(void *arg) {
    test_sleep_ms(5);
    for (int i = 0; i < 3; i++) sem_post(&semaphore);
    return arg;
}
int main(void) {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    for (int i = 0; i < 2; i++) {
        clockid_t clock = i ? CLOCK_MONOTONIC : CLOCK_REALTIME;
        pthread_condattr_setclock(&attr, clock);
        pthread_cond_init(&condition, &attr);
        struct timespec until = in_ms(clock, 15);
        pthread_mutex_lock(&lock);
        YES(pthread_cond_timedwait(&condition, &lock, &until) == ETIMEDOUT);
        struct timespec now = in_ms(clock, 0);
        YES(now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec));
        pthread_mutex_unlock(&lock);
    }
    int value;
    sem_init(&semaphore, 0, 1);
    CALL(sem_wait(&semaphore));
    CALL(sem_trywait(&semaphore));
    struct timespec until = in_ms(CLOCK_REALTIME, 10);
    CALL(sem_timedwait(&semaphore, &until));
    pthread_t thread = test_start(post, NULL);
    CALL(sem_wait(&semaphore));
    CALL(sem_wait(&semaphore));
    pthread_join(thread, NULL);
    CALL(sem_getvalue(&semaphore, &value));
    CALL(value);
    return 0;
}
