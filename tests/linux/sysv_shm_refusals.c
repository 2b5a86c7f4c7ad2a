/* The documented errors of shmget, shmat, shmdt and shmctl. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
int main(void) {
    key_t key = 0x43530000 | (getpid() & 0xffff);
    CALL(shmget(key, PAGE, 0));
    CALL(shmget(key, 0, IPC_CREAT | 0600));
    CALL(shmget(key, -1, IPC_CREAT | 0600));
    CALL(shmget(IPC_PRIVATE, 0, 0600));
    int id = MUST(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600));
    CALL(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600));
    CALL(shmget(key, 5001, 0));
    CALL(shmget(key, 8192, 0));
    YES(shmget(key, 5000, 0) == id);
    YES(shmget(key, 0, 0) == id);
    YES(shmget(key, 1, IPC_CREAT | 0600) == id);
    CALL((long)shmat(-1, NULL, 0));
    CALL((long)shmat(id + 1000000, NULL, 0));
    CALL((long)shmat(id, (void *)(1L << 47), 0));
    CALL((long)shmat(id, (void *)-4096L, 0));
    CALL((long)shmat(id, (void *)1, 0));
    CALL((long)shmat(id, (void *)1, SHM_RND | SHM_REMAP));
    CALL(shmdt(NULL));
    CALL(shmdt((void *)1));
    CALL(shmdt((void *)0x10000));
    char *other = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CALL(shmdt(other));
    CALL((long)shmat(id, other, 0));
    struct shmid_ds ds;
    CALL(shmctl(id, 77, &ds));
    CALL(shmctl(id, -1, &ds));
    CALL(shmctl(-1, IPC_STAT, &ds));
    CALL(shmctl(-1, IPC_RMID, NULL));
    CALL(shmctl(id + 1000000, IPC_STAT, &ds));
    CALL(shmctl(id, IPC_STAT, (void *)8));
    CALL(shmctl(id, IPC_SET, (void *)8));
    CALL(shmctl(0, IPC_INFO, (void *)8));
    CALL(shmctl(0, SHM_INFO, (void *)8));
    CALL(shmctl(id, IPC_STAT, &ds));
    printf("size %zu, mode %o, attached %lu\n", ds.shm_segsz, ds.shm_perm.mode, ds.shm_nattch);
    YES(ds.shm_cpid == getpid() && ds.shm_lpid == 0);
    YES(ds.shm_atime == 0 && ds.shm_dtime == 0 && ds.shm_ctime != 0);
    YES(ds.shm_perm.__key == key && ds.shm_perm.uid == geteuid() && ds.shm_perm.cgid == getegid());
    CALL(shmctl(id, SHM_LOCK, NULL));
    CALL(shmctl(id, IPC_STAT, &ds));
    printf("mode %o\n", ds.shm_perm.mode);
    CALL(shmctl(id, SHM_UNLOCK, NULL));
    ds.shm_perm.mode = 0777640;
    CALL(shmctl(id, IPC_SET, &ds));
    CALL(shmctl(id, IPC_STAT, &ds));
    printf("mode %o\n", ds.shm_perm.mode);
    CALL(shmctl(id + 1000000, SHM_LOCK, NULL));
    CALL(shmctl(id, IPC_RMID, NULL));
    CALL(shmctl(id, IPC_RMID, NULL));
    CALL(shmget(key, 5000, 0));
    CALL((long)shmat(id, NULL, 0));
    CALL(shmctl(id, SHM_LOCK, NULL));
    return 0;
}
