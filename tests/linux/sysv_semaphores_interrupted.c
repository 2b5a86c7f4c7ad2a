/* A signal ends semop with EINTR even with SA_RESTART; a time-out with EAGAIN. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>
static int s;
static volatile int signals;
static pthread_t waiter;
static void on(int n) { signals++; }
static void *prod(void *arg) {
    while (semctl(s, 0, GETNCNT) != 1) sched_yield();
    pthread_kill(waiter, SIGUSR1);
    return NULL;
}
int main(void) {
    struct sigaction action = {.sa_handler = on, .sa_flags = SA_RESTART};
    struct sembuf down = {0, -1, 0};
    waiter = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    s = MUST(semget(IPC_PRIVATE, 1, 0600));
    pthread_t thread = test_start(prod, NULL);
    CALL(semop(s, &down, 1));
    CALL(signals);
    pthread_join(thread, NULL);
    thread = test_start(prod, NULL);
    CALL(semtimedop(s, &down, 1, &(struct timespec){10, 0}));
    CALL(signals);
    pthread_join(thread, NULL);
    CALL(semctl(s, 0, GETNCNT));
    CALL(semctl(s, 0, IPC_RMID));
    return 0;
}
