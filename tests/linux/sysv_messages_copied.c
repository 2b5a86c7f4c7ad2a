/* MSG_COPY: the message at a place, which stays in the queue. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
int main(void) {
    struct { long type; char text[16]; } m = {1, "first"};
    int q = MUST(msgget(IPC_PRIVATE, 0600));
    MUST(msgsnd(q, &m, 6, 0));
    m.type = 7, strcpy(m.text, "second");
    MUST(msgsnd(q, &m, 7, 0));
    for (int place = 0; place < 2; place++) {
        memset(&m, 0, sizeof m);
        CALL(msgrcv(q, &m, 16, place, MSG_COPY | IPC_NOWAIT));
        printf("%ld %s\n", m.type, m.text);
    }
    CALL(msgrcv(q, &m, 16, 2, MSG_COPY | IPC_NOWAIT));
    CALL(msgrcv(q, &m, 16, -1, MSG_COPY | IPC_NOWAIT));
    CALL(msgrcv(q, &m, 16, 0, MSG_COPY));
    CALL(msgrcv(q, &m, 16, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT));
    CALL(msgrcv(q, &m, 2, 0, MSG_COPY | IPC_NOWAIT));
    CALL(msgrcv(q, &m, 2, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
    struct msqid_ds ds;
    CALL(msgctl(q, IPC_STAT, &ds));
    CALL((long)ds.msg_qnum);
    CALL(msgctl(q, IPC_RMID, NULL));
    return 0;
}
