/* Removing a queue wakes who waits there with EIDRM; room and messages wake the others. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/msg.h>
static int q;
struct message { long type; char text[8]; };
static void *receive(void *arg) {
    struct message m;
    long n = msgrcv(q, &m, 8, (long)arg, 0);
    return (void *)(n < 0 ? -(long)errno : m.type * 100 + n);
}
static void *send_big(void *arg) {
    static struct { long type; char text[8192]; } m = {.type = 4};
    return (void *)(msgsnd(q, &m, 8192, 0) < 0 ? -(long)errno : 0);
}
int main(void) {
    static struct { long type; char text[8192]; } big = {.type = 9};
    struct message m = {.type = 2, .text = "two"};
    void *result;
    q = MUST(msgget(IPC_PRIVATE, 0600));
    pthread_t one = test_start(receive, (void *)2L), other = test_start(receive, (void *)3L);
    CALL(msgsnd(q, &m, 3, 0));
    pthread_join(one, &result);
    CALL((long)result);
    m.type = 3;
    CALL(msgsnd(q, &m, 2, 0));
    pthread_join(other, &result);
    CALL((long)result);
    CALL(msgsnd(q, &big, 8192, 0));
    CALL(msgsnd(q, &big, 8000, 0));
    one = test_start(send_big, NULL);
    CALL(msgrcv(q, &big, 8192, 9, 0));
    pthread_join(one, &result);
    CALL((long)result);
    one = test_start(receive, (void *)77L), other = test_start(send_big, NULL);
    struct msqid_ds ds;
    CALL(msgctl(q, IPC_RMID, NULL));
    pthread_join(one, &result);
    YES((long)result == -EIDRM || (long)result == -EINVAL);
    pthread_join(other, &result);
    YES((long)result == -EIDRM || (long)result == -EINVAL);
    return 0;
}
