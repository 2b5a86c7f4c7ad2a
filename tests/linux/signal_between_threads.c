/* pthread_kill reaches the thread meant, kill one that does not block it; every signal arrives. */
#include "test.h"
static __thread volatile int mine;
static volatile sig_atomic_t stop;
static void handler(int sig) { mine++; }
static pthread_barrier_t barrier;
static void *target(void *arg) {
    if (arg) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
    }
    pthread_barrier_wait(&barrier);
    while (!stop) test_sleep_ms(1);
    return (void *)(long)mine;
}
static volatile int pings;
static pthread_t main_thread;
static void ping(int sig) { pings++; }
static void *flood(void *arg) {
    for (int i = 0; i < 2000; i++) {
        int before = pings;
        pthread_kill(main_thread, SIGUSR2);
        while (pings == before) sched_yield();
    }
    stop = 2;
    return arg;
}
int main(void) {
    pthread_t thread[3];
    void *result;
    signal(SIGUSR1, handler);
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 3; i++) thread[i] = test_start(target, i == 1 ? NULL : "block");
    pthread_barrier_wait(&barrier);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    CALL(kill(getpid(), SIGUSR1));
    CALL(pthread_kill(thread[1], 0));
    test_sleep_ms(20);
    stop = 1;
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], &result);
        printf("thread %d got %ld\n", i, (long)result);
    }
    signal(SIGUSR2, ping);
    main_thread = pthread_self();
    stop = 0;
    thread[0] = test_start(flood, NULL);
    long spins = 0;
    while (stop != 2) spins++;
    YES(spins > 0);
    pthread_join(thread[0], NULL);
    CALL(pings);
    CALL(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1));
    return 0;
}
