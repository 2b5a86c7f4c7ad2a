/* Wrong control messages: lengths, levels, types, closed descriptors, too many, bad addresses. */
#include "net.h"
static int over;
static long attempt(int level, int type, size_t data, int fd, size_t claimed) {
    static char control[CMSG_SPACE(300 * sizeof(int))];
    memset(control, 0, sizeof control);
    struct iovec part = {"x", 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(data)};
    struct cmsghdr *c = (struct cmsghdr *)control;
    c->cmsg_level = level, c->cmsg_type = type, c->cmsg_len = claimed;
    for (size_t i = 0; i < data / sizeof fd; i++) memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
    return sendmsg(over, &m, 0);
}
int main(void) {
    int end[2];
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, end));
    over = end[0];
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 4, 0, CMSG_LEN(4)));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 4, 999, CMSG_LEN(4)));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 4, -1, CMSG_LEN(4)));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 4, 0, 8));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 4, 0, 1000));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 0, 0, CMSG_LEN(0)));
    CALL(attempt(SOL_SOCKET, 77, 4, 0, CMSG_LEN(4)));
    CALL(attempt(99, SCM_RIGHTS, 4, 999, CMSG_LEN(4)));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 253 * 4, 0, CMSG_LEN(253 * 4)));
    CALL(attempt(SOL_SOCKET, SCM_RIGHTS, 254 * 4, 0, CMSG_LEN(254 * 4)));
    struct iovec part = {"x", 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = (void *)8, .msg_controllen = 32};
    CALL(sendmsg(over, &m, 0));
    m.msg_control = NULL, m.msg_controllen = 0, m.msg_iovlen = 1025;
    CALL(sendmsg(over, &m, 0));
    m.msg_iovlen = 1, part.iov_base = (void *)8;
    CALL(sendmsg(over, &m, 0));
    part.iov_base = "x", m.msg_name = (void *)8, m.msg_namelen = 5;
    CALL(sendmsg(over, &m, 0));
    CALL(syscall(SYS_sendmsg, over, (void *)8, 0));
    CALL(syscall(SYS_recvmsg, end[1], (void *)8, MSG_DONTWAIT));
    char byte;
    for (int i = 0; i < 6; i++) CALL(recv(end[1], &byte, 1, MSG_DONTWAIT));
    return 0;
}
