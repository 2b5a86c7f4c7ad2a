/* Read-write locks and barriers. */
#include "test.h"
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static int value, readers_wrong, serial, phase[6];
static void *run(void *arg) {
    long self = (long)arg;
    for (int round = 0; round < 200; round++) {
        if ((round + self) % 3 == 0) {
            pthread_rwlock_wrlock(&rw);
            value++;
            value++;
            pthread_rwlock_unlock(&rw);
        } else {
            pthread_rwlock_rdlock(&rw);
            if (value % 2) __atomic_fetch_add(&readers_wrong, 1, __ATOMIC_RELAXED);
            pthread_rwlock_unlock(&rw);
        }
        phase[self] = round;
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED);
        for (int i = 0; i < 6; i++)
            if (phase[i] != round) __atomic_fetch_add(&readers_wrong, 1, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}
int main(void) {
    pthread_t thread[6];
    pthread_barrier_init(&barrier, NULL, 6);
    for (long i = 0; i < 6; i++) thread[i] = test_start(run, (void *)i);
    for (int i = 0; i < 6; i++) pthread_join(thread[i], NULL);
    CALL(value);
    CALL(readers_wrong);
    CALL(serial);
    CALL(pthread_rwlock_tryrdlock(&rw));
    YES(pthread_rwlock_trywrlock(&rw) == EBUSY);
    return 0;
}
