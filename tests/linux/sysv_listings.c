/* /proc/sysvipc: the lines of a queue and of a set, MSG_STAT and SEM_STAT by place. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };
static void show(const char *path, int id) {
    char line[512];
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f)) MUST(-1);
    fputs(line, stdout);
    while (fgets(line, sizeof line, f)) {
        int key, number, mode;
        unsigned long a = 0, b = 0;
        sscanf(line, "%d %d %o %lu %lu", &key, &number, &mode, &a, &b);
        if (number == id) printf("key %d mode %o %lu\n", key, (unsigned)mode, a), printf("length %zu\n", strlen(line));
    }
    fclose(f);
}
int main(void) {
    struct { long type; char text[8]; } m = {1, "hello"};
    int q = MUST(msgget(IPC_PRIVATE, 0620)), s = MUST(semget(IPC_PRIVATE, 4, 0600));
    MUST(msgsnd(q, &m, 5, 0));
    show("/proc/sysvipc/msg", q);
    show("/proc/sysvipc/sem", s);
    struct msqid_ds mds;
    struct semid_ds sds;
    struct msginfo mi;
    int highest = MUST(msgctl(0, MSG_INFO, (struct msqid_ds *)&mi)), found = 0;
    for (int i = 0; i <= highest; i++)
        if (msgctl(i, MSG_STAT, &mds) == q) found = (int)mds.msg_qnum;
    CALL(found);
    YES(mi.msgmax == 8192 && mi.msgmnb == 16384);
    struct seminfo si;
    highest = MUST(semctl(0, 0, SEM_INFO, (union semun){.info = &si})), found = 0;
    for (int i = 0; i <= highest; i++)
        if (semctl(i, 0, SEM_STAT, (union semun){.buf = &sds}) == s) found = (int)sds.sem_nsems;
    CALL(found);
    CALL(si.semvmx);
    /* The last place there is: Linux counts on from it at 0, where others may have a queue. */
    CALL(msgctl(0x7fff, MSG_STAT, &mds));
    CALL(msgctl(q, IPC_RMID, NULL));
    CALL(semctl(s, 0, IPC_RMID));
    return 0;
}
