/* A pool of threads over a mutex and two condition variables does all the work once.
 * test: variants dynamic static musl
 */
#include "test.h"
enum { WORKERS = 8, JOBS = 5000, ROOM = 16 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, drained = PTHREAD_COND_INITIALIZER;
static int queue[ROOM], head, tail, done[JOBS];
static void *work(void *arg) {
    long mine = 0;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (head == tail) pthread_cond_wait(&filled, &lock);
        int job = queue[head++ % ROOM];
        pthread_cond_signal(&drained);
        pthread_mutex_unlock(&lock);
        if (job < 0) return (void *)mine;
        __atomic_fetch_add(&done[job], 1, __ATOMIC_RELAXED);
        mine++;
    }
}
static void put(int job) {
    pthread_mutex_lock(&lock);
    while (tail - head == ROOM) pthread_cond_wait(&drained, &lock);
    queue[tail++ % ROOM] = job;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
}
int main(void) {
    pthread_t thread[WORKERS];
    long total = 0, wrong = 0;
    for (int i = 0; i < WORKERS; i++) thread[i] = test_start(work, NULL);
    for (int i = 0; i < JOBS; i++) put(i);
    for (int i = 0; i < WORKERS; i++) put(-1);
    for (int i = 0; i < WORKERS; i++) {
        void *result;
        pthread_join(thread[i], &result);
        total += (long)result;
    }
    for (int i = 0; i < JOBS; i++) wrong += done[i] != 1;
    printf("%ld jobs, %ld wrong\n", total, wrong);
    return 0;
}
