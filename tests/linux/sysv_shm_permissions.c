/* Who may attach, look at, change and remove a segment.
 * test: needs root
 */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <grp.h>
int main(void) {
    struct shmid_ds ds;
    int closed = MUST(shmget(IPC_PRIVATE, PAGE, 0600)), readable = MUST(shmget(IPC_PRIVATE, PAGE, 0644));
    int keyed = MUST(shmget(0x43560000 | (getpid() & 0xffff), PAGE, IPC_CREAT | 0640));
    int ours = MUST(shmget(IPC_PRIVATE, PAGE, 0600));
    MUST(shmctl(ours, IPC_STAT, &ds));
    ds.shm_perm.uid = 1000, ds.shm_perm.gid = 1000;
    CALL(shmctl(ours, IPC_SET, &ds));
    MUST(setgroups(0, NULL));
    MUST(setegid(1000));
    MUST(seteuid(1000));
    CALL((long)shmat(closed, NULL, 0));
    CALL((long)shmat(closed, NULL, SHM_RDONLY));
    CALL((long)shmat(readable, NULL, 0));
    DOES((long)shmat(readable, NULL, SHM_RDONLY));
    CALL((long)shmat(readable, NULL, SHM_RDONLY | SHM_EXEC));
    CALL(shmget(0x43560000 | (getpid() & 0xffff), PAGE, 0400));
    CALL(shmctl(closed, IPC_STAT, &ds));
    CALL(shmctl(readable, IPC_STAT, &ds));
    CALL(shmctl(readable, IPC_SET, &ds));
    CALL(shmctl(readable, IPC_RMID, NULL));
    CALL(shmctl(readable, SHM_LOCK, NULL));
    CALL(shmctl(closed, SHM_STAT, &ds));
    YES(shmctl(closed, 15 /* SHM_STAT_ANY */, &ds) == closed);
    DOES((long)shmat(ours, NULL, 0));
    CALL(shmctl(ours, SHM_LOCK, NULL));
    CALL(shmctl(ours, IPC_RMID, NULL));
    MUST(seteuid(0));
    CALL(shmctl(closed, IPC_RMID, NULL));
    CALL(shmctl(readable, IPC_RMID, NULL));
    CALL(shmctl(keyed, IPC_RMID, NULL));
    return 0;
}
