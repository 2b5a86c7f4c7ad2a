/* Attachments that were cut: by mprotect, munmap, a mapping over their middle, mremap; shmdt takes what is left. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
static int id;
static long attached(void) {
    struct shmid_ds ds;
    MUST(shmctl(id, IPC_STAT, &ds));
    return (long)ds.shm_nattch;
}
int main(void) {
    id = MUST(shmget(IPC_PRIVATE, 8 * PAGE, 0600));
    char *a = shmat(id, NULL, 0);
    strcpy(a + 5 * PAGE, "the sixth page");
    CALL(mprotect(a + 2 * PAGE, PAGE, PROT_READ));
    CALL(attached());
    CALL(mprotect(a + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
    CALL(attached());
    CALL(munmap(a + 3 * PAGE, PAGE));
    CALL(attached());
    YES(mmap(a + 3 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == a + 3 * PAGE);
    printf("%s\n", a + 5 * PAGE);
    CALL(shmdt(a + 4 * PAGE)); /* not where it was attached */
    CALL(shmdt(a));
    CALL(attached());
    CALL(a[3 * PAGE]); /* what is not of the segment stays */
    CALL(munmap(a, PAGE));
    CALL(munmap(a + 3 * PAGE, PAGE));
    char *b = shmat(id, NULL, 0);
    CALL(munmap(b, PAGE));
    CALL(shmdt(b));
    CALL(attached());
    char *c = shmat(id, NULL, 0);
    char *moved = mremap(c, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)0x10000000);
    YES(moved == (char *)0x10000000);
    printf("%s\n", moved + 5 * PAGE);
    CALL(attached());
    CALL(shmdt(c));
    CALL(shmdt(moved));
    CALL(attached());
    CALL(shmctl(id, IPC_RMID, NULL));
    return 0;
}
