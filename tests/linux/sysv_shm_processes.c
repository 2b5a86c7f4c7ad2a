/* Attachments over fork, _exit, and a segment that is removed while it is attached: gone with the last of them.
 */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
static void show(int id) {
    struct shmid_ds ds;
    if (CALL(shmctl(id, IPC_STAT, &ds)) == 0)
        printf("attached %lu, mode %o, key %s\n", ds.shm_nattch, ds.shm_perm.mode, ds.shm_perm.__key ? "kept" : "private");
}
int main(void) {
    key_t key = 0x43550000 | (getpid() & 0xffff);
    int id = MUST(shmget(key, 3 * PAGE, IPC_CREAT | IPC_EXCL | 0600)), ends[2], back[2], status;
    int *a = shmat(id, NULL, 0);
    MUST(pipe(ends));
    MUST(pipe(back));
    show(id);
    char byte;
    pid_t child = MUST(fork());
    if (child == 0) {
        a[0] = 11;
        MUST(write(back[1], "x", 1));
        MUST(read(ends[0], &byte, 1));
        a[1] = a[2] + 1;
        int *b = shmat(id, NULL, SHM_RDONLY); /* removed, and it can still be attached */
        printf("child sees %d %d\n", b[0], b[1]);
        show(id);
        _exit(3);
    }
    MUST(read(back[0], &byte, 1));
    CALL(a[0]);
    show(id);
    CALL(shmctl(id, IPC_RMID, NULL));
    show(id);
    CALL(shmget(key, 0, 0));
    a[2] = 21;
    MUST(write(ends[1], "x", 1));
    MUST(waitpid(child, &status, 0));
    CALL(WEXITSTATUS(status));
    CALL(a[1]);
    struct shmid_ds ds;
    MUST(shmctl(id, IPC_STAT, &ds));
    YES(ds.shm_lpid == child && ds.shm_dtime != 0);
    show(id);
    CALL(shmdt(a));
    show(id);
    /* The last attachment is that of a process which ends without a word. */
    id = MUST(shmget(IPC_PRIVATE, PAGE, 0600));
    if ((child = MUST(fork())) == 0) {
        MUST((long)shmat(id, NULL, 0));
        MUST(shmctl(id, IPC_RMID, NULL));
        show(id);
        raise(SIGKILL);
    }
    MUST(waitpid(child, &status, 0));
    CALL(WTERMSIG(status));
    show(id);
    return 0;
}
