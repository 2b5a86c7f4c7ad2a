/* Process-shared mutex, condition variable, semaphore and barrier in shared memory.
 */
#include "test.h"
#include <sys/wait.h>

#include <semaphore.h>

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_barrier_t barrier;
    sem_t semaphore;
    int counter, turn;
};

int main(void) {
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->mutex, &mutex);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->changed, &condition);
    pthread_barrierattr_t barrier;
    pthread_barrierattr_init(&barrier);
    pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &barrier, 4);
    sem_init(&shared->semaphore, 1, 0);
    for (int i = 1; i < 4; i++) {
        if (fork() == 0) {
            pthread_barrier_wait(&shared->barrier);
            for (int n = 0; n < 500; n++) {
                pthread_mutex_lock(&shared->mutex);
                shared->counter++;
                pthread_mutex_unlock(&shared->mutex);
            }
            /* In turn, three times. */
            for (int round = 0; round < 3; round++) {
                pthread_mutex_lock(&shared->mutex);
                while (shared->turn % 4 != i) pthread_cond_wait(&shared->changed, &shared->mutex);
                shared->turn++;
                pthread_cond_broadcast(&shared->changed);
                pthread_mutex_unlock(&shared->mutex);
            }
            sem_post(&shared->semaphore);
            _exit(0);
        }
    }
    pthread_barrier_wait(&shared->barrier);
    for (int round = 0; round < 3; round++) {
        pthread_mutex_lock(&shared->mutex);
        while (shared->turn % 4 != 0) pthread_cond_wait(&shared->changed, &shared->mutex);
        shared->turn++;
        pthread_cond_broadcast(&shared->changed);
        pthread_mutex_unlock(&shared->mutex);
    }
    for (int i = 0; i < 3; i++) sem_wait(&shared->semaphore);
    printf("counter %d, turns %d\n", shared->counter, shared->turn);
    while (wait(NULL) > 0) {}
    return 0;
}
