/* Four processes count in a segment, taking turns by a semaphore.
 */
#include "test.h"
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
int main(void) {
    int id = MUST(shmget(IPC_PRIVATE, PAGE, 0600)), set = MUST(semget(IPC_PRIVATE, 1, 0600));
    struct sembuf take = {0, -1, SEM_UNDO}, give = {0, 1, SEM_UNDO};
    struct { long total, square[4]; } *shared = shmat(id, NULL, 0);
    MUST(semctl(set, 0, SETVAL, 1));
    for (int child = 0; child < 4; child++)
        if (MUST(fork()) == 0) {
            struct { long total, square[4]; } *own = shmat(id, NULL, 0);
            for (int i = 0; i < 500; i++) {
                MUST(semop(set, &take, 1));
                own->total++, own->square[child] += child;
                MUST(semop(set, &give, 1));
            }
            _exit(0);
        }
    while (wait(NULL) > 0) {}
    CALL(shared->total);
    for (int i = 0; i < 4; i++) CALL(shared->square[i]);
    struct shmid_ds ds;
    MUST(shmctl(id, IPC_STAT, &ds));
    CALL((long)ds.shm_nattch);
    CALL(shmctl(id, IPC_RMID, NULL));
    CALL(semctl(set, 0, IPC_RMID));
    return 0;
}
