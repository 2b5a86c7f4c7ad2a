/* Threads wait for larger values and for zero, are counted, and woken; removal ends all waits with EIDRM. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
static int s;
static void *down(void *arg) {
    struct sembuf op = {0, (short)-(long)arg, 0};
    return (void *)(semop(s, &op, 1) < 0 ? -(long)errno : (long)arg);
}
static void *zero(void *arg) {
    struct sembuf op = {1, 0, 0};
    return (void *)(semop(s, &op, 1) < 0 ? -(long)errno : 0L);
}
static void until(int command, int number, int count) {
    while (semctl(s, number, command) != count) sched_yield();
}
int main(void) {
    void *result;
    s = MUST(semget(IPC_PRIVATE, 2, 0600));
    pthread_t two = test_start(down, (void *)2L), three = test_start(down, (void *)3L);
    until(GETNCNT, 0, 2);
    struct sembuf up = {0, 1, 0};
    CALL(semop(s, &up, 1));
    CALL(semctl(s, 0, GETVAL));
    CALL(semop(s, &up, 1));
    pthread_join(two, &result);
    CALL((long)result);
    CALL(semctl(s, 0, SETVAL, (union semun){.val = 3}));
    pthread_join(three, &result);
    CALL((long)result);
    CALL(semctl(s, 0, GETVAL));
    CALL(semctl(s, 1, SETVAL, (union semun){.val = 1}));
    pthread_t waits = test_start(zero, NULL);
    until(GETZCNT, 1, 1);
    struct sembuf down_one = {1, -1, 0};
    CALL(semop(s, &down_one, 1));
    pthread_join(waits, &result);
    CALL((long)result);
    two = test_start(down, (void *)2L);
    until(GETNCNT, 0, 1);
    CALL(semctl(s, 0, IPC_RMID));
    pthread_join(two, &result);
    CALL((long)result == -EIDRM);
    return 0;
}
