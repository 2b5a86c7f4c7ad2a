/* Semaphores as mutexes, with SEM_UNDO, and a pair that is taken at once. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
static int s, counter, clashes;
static _Atomic int inside;
static void *work(void *arg) {
    for (int i = 0; i < 200; i++) {
        struct sembuf take[2] = {{0, -1, SEM_UNDO}, {1, -1, SEM_UNDO}}, give[2] = {{1, 1, SEM_UNDO}, {0, 1, SEM_UNDO}};
        if (semop(s, take, 2)) return (void *)1;
        if (inside++) clashes++;
        counter++;
        inside--;
        if (semop(s, give, 2)) return (void *)2;
    }
    return NULL;
}
int main(void) {
    unsigned short ones[2] = {1, 1};
    pthread_t threads[4];
    s = MUST(semget(IPC_PRIVATE, 2, 0600));
    MUST(semctl(s, 0, SETALL, (union semun){.array = ones}));
    for (int i = 0; i < 4; i++) threads[i] = test_start(work, NULL);
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        CALL((long)bad);
    }
    CALL(counter);
    CALL(clashes);
    CALL(semctl(s, 0, GETVAL));
    CALL(semctl(s, 1, GETVAL));
    CALL(semctl(s, 0, IPC_RMID));
    return 0;
}
