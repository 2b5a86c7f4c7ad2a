/* Descriptors in flight: kept open until received or dropped with the socket, also in circles; peeked ones are new. */
#include "net.h"
static void pass(int over, int fd) {
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {"x", 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    MUST(sendmsg(over, &m, 0));
}
static int take(int over, int flags) {
    char byte, control[CMSG_SPACE(sizeof(int))] = {0};
    int fd = -1;
    struct iovec part = {&byte, 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    MUST(recvmsg(over, &m, flags));
    if (CMSG_FIRSTHDR(&m)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}
int main(void) {
    int end[2], p[2], a[2], b[2];
    char byte;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, end)), MUST(pipe2(p, O_NONBLOCK));
    pass(end[0], p[1]);
    close(p[1]);
    CALL(read(p[0], &byte, 1));
    int peeked = take(end[1], MSG_PEEK), taken = take(end[1], 0);
    YES(peeked >= 0 && taken >= 0 && peeked != taken);
    CALL(write(taken, "y", 1));
    CALL(read(p[0], &byte, 1));
    close(peeked), close(taken);
    CALL(read(p[0], &byte, 1));
    close(p[0]);
    MUST(pipe2(p, O_NONBLOCK));
    pass(end[0], p[1]);
    close(p[1]), close(end[1]);
    CALL(read(p[0], &byte, 1));
    close(p[0]), close(end[0]);
    /* Sockets passed over each other and over themselves. */
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, a)), MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
    pass(a[0], b[0]), pass(a[0], b[1]), pass(b[0], a[1]), pass(a[0], a[0]);
    int first = take(a[1], 0);
    CALL(write(first, "z", 1));
    close(first), close(a[0]), close(a[1]), close(b[0]), close(b[1]);
    puts("closed");
    return 0;
}
