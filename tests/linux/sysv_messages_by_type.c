/* msgrcv: first, of a type, the lowest up to a type, MSG_EXCEPT; cutting, E2BIG, ENOMSG. */
#include "test.h"
#include <sys/ipc.h>
#include <sys/msg.h>
struct message { long type; char text[16]; };
static int q;
static void send_one(long type, const char *text) {
    struct message m = {.type = type};
    strcpy(m.text, text);
    CALL(msgsnd(q, &m, strlen(text), 0));
}
static void take(long type, size_t room, int flags) {
    struct message m = {0};
    ssize_t n = msgrcv(q, &m, room, type, flags | IPC_NOWAIT);
    if (n < 0) printf("%ld: %s\n", type, test_errno_name(errno) + 0);
    else printf("%ld: %zd %ld %.*s\n", type, n, m.type, (int)n, m.text);
}
int main(void) {
    q = MUST(msgget(IPC_PRIVATE, 0600));
    send_one(3, "three"), send_one(1, "one"), send_one(2, "two"), send_one(3, "drei"), send_one(5, "five");
    take(0, 16, 0);
    take(9, 16, MSG_NOERROR | 0);
    take(3, 16, 0);
    take(-4, 16, 0);
    take(-4, 16, 0);
    CALL(msgrcv(q, &(struct message){0}, 16, -4, IPC_NOWAIT) == -1 && errno == ENOMSG);
    send_one(5, "fuenf"), send_one(6, "sechs");
    take(5, 16, MSG_EXCEPT);
    take(5, 2, 0);
    take(5, 2, MSG_NOERROR);
    take(5, 0, MSG_NOERROR);
    CALL(msgrcv(q, &(struct message){0}, 16, 0, IPC_NOWAIT) == -1 && errno == ENOMSG);
    CALL(msgctl(q, IPC_RMID, NULL));
    return 0;
}
