/* The documented errors of semget, semop, semtimedop and semctl. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
int main(void) {
    key_t key = 0x43550000 | (getpid() & 0xffff);
    unsigned short wrong[2] = {1, 40000};
    struct sembuf op = {0, 1, 0}, many[501] = {0};
    struct timespec late = {0, 1000000000}, zero = {0, 0}, some = {0, 2000000};
    CALL(semget(key, 1, 0));
    CALL(semget(IPC_PRIVATE, 0, 0600));
    CALL(semget(IPC_PRIVATE, -1, 0600));
    CALL(semget(IPC_PRIVATE, 1000000, 0600));
    int s = MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
    CALL(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
    CALL(semget(key, 3, 0));
    CALL(semget(key, 0, 0) == s);
    CALL(semop(s, &op, 0));
    CALL(semop(s, many, 501));
    CALL(semop(-1, &op, 1));
    CALL(semop(s + 1000000, &op, 1));
    CALL(semop(s, (void *)8, 1));
    op.sem_num = 2;
    CALL(semop(s, &op, 1));
    op = (struct sembuf){0, 32767, 0};
    CALL(semop(s, &op, 1));
    CALL(semop(s, &op, 1));
    op = (struct sembuf){1, -1, IPC_NOWAIT};
    CALL(semop(s, &op, 1));
    op.sem_flg = 0;
    CALL(semtimedop(s, &op, 1, &late));
    CALL(semtimedop(s, &op, 1, &zero));
    CALL(semtimedop(s, &op, 1, &some));
    CALL(semtimedop(s, &op, 1, (void *)8));
    CALL(semctl(s, 2, GETVAL));
    CALL(semctl(s, -1, GETVAL));
    CALL(semctl(s, 0, SETVAL, (union semun){.val = -1}));
    CALL(semctl(s, 0, SETVAL, (union semun){.val = 32768}));
    CALL(semctl(s, 5, SETVAL, (union semun){.val = 1}));
    CALL(semctl(s, 0, SETALL, (union semun){.array = wrong}));
    CALL(semctl(s, 0, SETALL, (union semun){.array = (void *)8}));
    CALL(semctl(s, 0, GETALL, (union semun){.array = (void *)8}));
    CALL(semctl(s, 0, IPC_STAT, (union semun){.buf = (void *)8}));
    CALL(semctl(s, 0, 77));
    CALL(semctl(s, 0, IPC_RMID));
    CALL(semctl(s, 0, IPC_RMID));
    CALL(semop(s, &op, 1));
    return 0;
}
