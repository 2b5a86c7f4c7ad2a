/* Hundreds of threads one after the other and a hundred at once; detached ones end too. */
#include "test.h"
static int ran;
static void *run(void *arg) {
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
    return arg;
}
static pthread_barrier_t barrier;
static void *meet(void *arg) {
    pthread_barrier_wait(&barrier);
    return run(arg);
}
int main(void) {
    pthread_t thread[100];
    for (int i = 0; i < 300; i++) pthread_join(test_start(run, NULL), NULL);
    CALL(ran);
    pthread_barrier_init(&barrier, NULL, 100);
    for (int i = 0; i < 100; i++) thread[i] = test_start(meet, NULL);
    for (int i = 0; i < 100; i++) pthread_join(thread[i], NULL);
    CALL(ran);
    for (int i = 0; i < 50; i++) pthread_detach(test_start(run, NULL));
    while (__atomic_load_n(&ran, __ATOMIC_RELAXED) < 450) sched_yield();
    CALL(ran);
    void *result;
    pthread_t last = test_start(run, (void *)7);
    CALL(pthread_join(last, &result));
    CALL((long)result);
    return 0;
}
