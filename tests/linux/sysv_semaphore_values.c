/* semctl: values, all values, who changed last; sets of operations are whole or nothing. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
int main(void) {
    unsigned short all[3] = {5, 6, 7}, got[3];
    struct semid_ds ds;
    int s = MUST(semget(IPC_PRIVATE, 3, 0640));
    CALL(semctl(s, 0, GETVAL));
    CALL(semctl(s, 0, GETPID));
    CALL(semctl(s, 1, SETVAL, (union semun){.val = 4}));
    CALL(semctl(s, 1, GETVAL));
    CALL(semctl(s, 1, GETPID) == getpid());
    CALL(semctl(s, 0, SETALL, (union semun){.array = all}));
    CALL(semctl(s, 0, GETALL, (union semun){.array = got}));
    printf("%d %d %d\n", got[0], got[1], got[2]);
    struct sembuf whole[3] = {{0, -5, IPC_NOWAIT}, {1, -6, IPC_NOWAIT}, {2, -8, IPC_NOWAIT}};
    CALL(semop(s, whole, 3));
    CALL(semctl(s, 0, GETVAL));
    whole[2].sem_op = -7;
    CALL(semop(s, whole, 3));
    CALL(semctl(s, 0, GETVAL) + semctl(s, 1, GETVAL) + semctl(s, 2, GETVAL));
    struct sembuf zero[2] = {{0, 0, IPC_NOWAIT}, {0, 2, 0}};
    CALL(semop(s, zero, 2));
    CALL(semop(s, zero, 2));
    struct sembuf twice[2] = {{1, 3, 0}, {1, -2, 0}};
    CALL(semop(s, twice, 2));
    CALL(semctl(s, 1, GETVAL));
    CALL(semctl(s, 0, IPC_STAT, (union semun){.buf = &ds}));
    printf("%lu %o\n", ds.sem_nsems, ds.sem_perm.mode);
    YES(ds.sem_otime > 0 && ds.sem_ctime > 0);
    CALL(semctl(s, 1, GETNCNT));
    CALL(semctl(s, 1, GETZCNT));
    CALL(semctl(s, 0, IPC_RMID));
    CALL(semctl(s, 0, GETVAL));
    return 0;
}
