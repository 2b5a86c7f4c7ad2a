/* shmat: what is written at one attachment shows at the other; addresses, SHM_RND, SHM_REMAP, SHM_RDONLY, SHM_EXEC. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
static unsigned long attached(int id) {
    struct shmid_ds ds;
    MUST(shmctl(id, IPC_STAT, &ds));
    return ds.shm_nattch;
}
int main(void) {
    int id = MUST(shmget(IPC_PRIVATE, 2 * PAGE + 10, 0600));
    CALL(attached(id));
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, 0);
    YES(a != (void *)-1 && b != (void *)-1 && a != b);
    CALL(attached(id));
    strcpy(a, "one content");
    printf("%s\n", b);
    a[3 * PAGE - 1] = 7; /* the rest of the last page is there */
    CALL(b[3 * PAGE - 1]);
    char *room = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(munmap(room, 16 * PAGE));
    YES(shmat(id, room, 0) == room);
    CALL((long)shmat(id, room + PAGE, 0));
    YES(shmat(id, room + PAGE, SHM_REMAP) == room + PAGE);
    CALL(attached(id));
    printf("%s, %s\n", room, room + PAGE);
    CALL((long)shmat(id, room + 8 * PAGE + 5, 0));
    YES(shmat(id, room + 8 * PAGE + 5, SHM_RND) == room + 8 * PAGE);
    CALL((long)shmat(id, NULL, SHM_REMAP));
    CALL(shmdt(room + 8 * PAGE + 5));
    CALL(shmdt(room + 8 * PAGE));
    CALL(shmdt(room + 8 * PAGE));
    CALL(shmdt(room + PAGE));
    CALL(shmdt(room)); /* the first page of it is left */
    CALL(shmdt(room));
    CALL(attached(id));
    char *readable = shmat(id, NULL, SHM_RDONLY);
    printf("%s\n", readable);
    CALL(mprotect(readable, PAGE, PROT_READ | PROT_WRITE));
    CALL(mprotect(readable, PAGE, PROT_NONE));
    CALL(mprotect(readable, PAGE, PROT_READ));
    unsigned char *code = shmat(id, NULL, SHM_EXEC);
    memcpy(code + PAGE, (unsigned char[]){0xb8, 42, 0, 0, 0, 0xc3}, 6);
    CALL(((int (*)(void))(code + PAGE))());
    CALL(shmdt(code));
    CALL(shmdt(readable));
    CALL(shmdt(b));
    CALL(shmctl(id, IPC_RMID, NULL));
    CALL(attached(id));
    strcpy(a, "removed, and still here");
    printf("%s\n", a);
    CALL(shmdt(a));
    struct shmid_ds ds;
    CALL(shmctl(id, IPC_STAT, &ds));
    return 0;
}
