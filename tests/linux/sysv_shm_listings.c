/* /proc/sysvipc/shm, SHM_INFO, IPC_INFO, SHM_STAT and SHM_STAT_ANY by place, and the name in /proc/self/maps. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
static void show(int id) {
    char line[512];
    FILE *f = fopen("/proc/sysvipc/shm", "r");
    if (!f || !fgets(line, sizeof line, f)) MUST(-1);
    fputs(line, stdout);
    while (fgets(line, sizeof line, f)) {
        int key, number;
        unsigned mode, cpid, lpid;
        unsigned long size, count;
        sscanf(line, "%d %d %o %lu %u %u %lu", &key, &number, &mode, &size, &cpid, &lpid, &count);
        if (number != id) continue;
        printf("key %d mode %o size %lu attached %lu length %zu\n", key, mode, size, count, strlen(line));
        YES(cpid == (unsigned)getpid() && lpid == (unsigned)getpid());
    }
    fclose(f);
}
int main(void) {
    int id = MUST(shmget(IPC_PRIVATE, 3 * PAGE + 1, 0620)), found = 0, any = 0;
    char *a = shmat(id, NULL, 0), line[512], name[64], expected[64];
    a[PAGE] = 1;
    show(id);
    struct shmid_ds ds;
    struct shm_info si;
    struct shminfo limits;
    int highest = MUST(shmctl(0, SHM_INFO, (struct shmid_ds *)&si));
    YES(si.used_ids >= 1 && si.shm_tot >= 4 && si.shm_rss >= 1 && si.shm_swp == 0);
    YES(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) == highest);
    printf("%lu %lu %lu\n", limits.shmmin, limits.shmmni, limits.shmseg);
    YES(limits.shmmax == limits.shmall);
    for (int i = 0; i <= highest; i++) {
        if (shmctl(i, SHM_STAT, &ds) == id) found = (int)ds.shm_segsz;
        if (shmctl(i, SHM_STAT_ANY, &ds) == id) any = (int)ds.shm_nattch;
    }
    CALL(found);
    CALL(any);
    CALL(shmctl(-1, SHM_STAT, &ds));
    CALL(shmctl(0x7ffe, SHM_STAT, &ds));
    YES(shmctl(id, SHM_STAT, &ds) == id); /* of a number the place counts */
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long start, inode;
    char bits[8];
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%*x %7s %*x %*s %lu %63s", &start, bits, &inode, name) == 4 && start == (unsigned long)a) {
            printf("%s %s\n", bits, name);
            YES(inode == (unsigned long)id);
        }
    fclose(maps);
    (void)expected;
    CALL(shmctl(id, IPC_RMID, NULL));
    show(id);
    return 0;
}
