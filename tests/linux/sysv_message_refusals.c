/* The documented errors of msgget, msgsnd, msgrcv and msgctl. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/msg.h>
int main(void) {
    struct { long type; char text[9000]; } m = {.type = 1};
    key_t key = 0x43540000 | (getpid() & 0xffff);
    CALL(msgget(key, 0));
    int q = MUST(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    CALL(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    CALL(msgget(key, IPC_CREAT | 0600) == q);
    CALL(msgget(key, 0) == q);
    CALL(msgsnd(q, &m, 8193, 0));
    CALL(msgsnd(q, &m, -1, 0));
    m.type = 0;
    CALL(msgsnd(q, &m, 1, 0));
    m.type = -1;
    CALL(msgsnd(q, &m, 1, 0));
    CALL(msgsnd(q, (void *)8, 1, 0));
    m.type = 1;
    CALL(msgsnd(-1, &m, 1, 0));
    CALL(msgsnd(q + 1000000, &m, 1, 0));
    CALL(msgrcv(-1, &m, 1, 0, 0));
    CALL(msgrcv(q, &m, -1, 0, 0));
    CALL(msgrcv(q, &m, 1, 0, IPC_NOWAIT) == -1 && errno == ENOMSG);
    CALL(msgsnd(q, &m, 0, 0));
    CALL(msgsnd(q, &m, 8192, 0));
    CALL(msgsnd(q, &m, 8192, IPC_NOWAIT));
    CALL(msgsnd(q, &m, 8193, IPC_NOWAIT));
    CALL(msgsnd(q, &m, 1, IPC_NOWAIT));
    CALL(msgrcv(q, (void *)8, 8192, 0, IPC_NOWAIT));
    struct msqid_ds ds;
    CALL(msgctl(q, IPC_STAT, &ds));
    printf("%lu %lu %lu %o\n", ds.msg_qnum, ds.msg_qbytes, ds.__msg_cbytes, ds.msg_perm.mode);
    CALL(ds.msg_lspid == getpid());
    CALL(ds.msg_lrpid == getpid());
    CALL(ds.msg_perm.__key == key);
    CALL(ds.msg_perm.uid == geteuid() && ds.msg_perm.cgid == getegid());
    ds.msg_perm.mode = 0640, ds.msg_qbytes = 100;
    CALL(msgctl(q, IPC_SET, &ds));
    CALL(msgctl(q, IPC_STAT, &ds));
    printf("%lu %o\n", ds.msg_qbytes, ds.msg_perm.mode);
    CALL(msgctl(q, 77, &ds));
    CALL(msgctl(-1, IPC_STAT, &ds));
    CALL(msgctl(q, IPC_STAT, (void *)8));
    CALL(msgctl(q, IPC_RMID, NULL));
    CALL(msgctl(q, IPC_RMID, NULL));
    CALL(msgctl(q, IPC_STAT, &ds));
    CALL(msgsnd(q, &m, 1, 0));
    return 0;
}
