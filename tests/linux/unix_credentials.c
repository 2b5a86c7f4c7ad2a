/* SO_PEERCRED of pairs, listeners and clients; SO_PASSCRED and SCM_CREDENTIALS on all types; false ones are refused. */
#include "net.h"
static void receive(int fd, const char *what) {
    char byte[16], control[CMSG_SPACE(sizeof(struct ucred))] = {0};
    struct iovec part = {byte, sizeof byte};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    long n = recvmsg(fd, &m, MSG_DONTWAIT);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    printf("%s: %ld, ", what, n);
    if (!c) puts("nothing along");
    else {
        struct ucred u;
        memcpy(&u, CMSG_DATA(c), sizeof u);
        printf("%d %d mine %d uid %d\n", c->cmsg_level == SOL_SOCKET, c->cmsg_type == SCM_CREDENTIALS, u.pid == getpid(), u.uid == geteuid());
    }
}
int main(void) {
    int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}, on = 1, end[2];
    struct ucred u;
    socklen_t len = sizeof u;
    for (int i = 0; i < 3; i++) {
        MUST(socketpair(AF_UNIX, types[i], 0, end));
        CALL(getsockopt(end[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
        CALL(u.pid == getpid() && u.uid == geteuid() && u.gid == getegid());
        send(end[0], "a", 1, 0);
        receive(end[1], "not asked");
        CALL(setsockopt(end[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
        send(end[0], "b", 1, 0);
        receive(end[1], "asked");
        char control[CMSG_SPACE(sizeof u)] = {0};
        struct iovec part = {"c", 1};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS, c->cmsg_len = CMSG_LEN(sizeof u);
        struct ucred own = {getpid(), geteuid(), getegid()};
        memcpy(CMSG_DATA(c), &own, sizeof own);
        CALL(sendmsg(end[0], &m, 0));
        receive(end[1], "sent");
        c->cmsg_len = CMSG_LEN(sizeof u - 1);
        CALL(sendmsg(end[0], &m, 0));
        close(end[0]), close(end[1]);
    }
    int none = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(getsockopt(none, SOL_SOCKET, SO_PEERCRED, &u, &len));
    CALL(u.pid);
    CALL(u.uid == (uid_t)-1);
    return 0;
}
