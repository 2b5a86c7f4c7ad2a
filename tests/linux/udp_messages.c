/* Datagrams: boundaries, truncation, peeking, empty ones, sizes, sources, several at once. */
#include "net.h"
int main(void) {
    static char big[70000];
    struct sockaddr_in a = net_loopback(0), from;
    socklen_t len = sizeof a;
    int n, s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), c = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    MUST(bind(s, (void *)&a, sizeof a)), MUST(getsockname(s, (void *)&a, &len));
    CALL(connect(c, (void *)&a, sizeof a));
    CALL(send(c, "first", 5, 0));
    CALL(send(c, "", 0, 0));
    CALL(send(c, "third", 5, 0));
    struct pollfd p = {s, POLLIN};
    CALL(poll(&p, 1, 5000));
    CALL(ioctl(s, FIONREAD, &n));
    CALL(n);
    CALL(recv(s, big, 2, MSG_PEEK));
    CALL(recv(s, big, 2, MSG_PEEK | MSG_TRUNC));
    struct iovec part = {big, 3};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from};
    CALL(recvmsg(s, &m, 0));
    CALL(m.msg_flags == MSG_TRUNC);
    CALL(m.msg_namelen);
    CALL(from.sin_family == AF_INET && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CALL(recv(s, big, 10, 0));
    CALL(read(s, big, 10));
    CALL(recv(s, big, 10, MSG_DONTWAIT));
    CALL(send(c, big, 65507, 0));
    CALL(recv(s, big, sizeof big, 0));
    CALL(send(c, big, 65508, 0));
    struct mmsghdr many[3];
    struct iovec parts[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
    memset(many, 0, sizeof many);
    for (int i = 0; i < 3; i++) many[i].msg_hdr.msg_iov = &parts[i], many[i].msg_hdr.msg_iovlen = 1;
    CALL(sendmmsg(c, many, 3, 0));
    CALL(many[0].msg_len * 100 + many[1].msg_len * 10 + many[2].msg_len);
    char room[3][8];
    for (int i = 0; i < 3; i++) parts[i] = (struct iovec){room[i], 8};
    CALL(recvmmsg(s, many, 3, MSG_WAITFORONE, NULL));
    CALL(many[0].msg_len * 100 + many[1].msg_len * 10 + many[2].msg_len);
    CALL(recvmmsg(s, many, 3, MSG_DONTWAIT, NULL));
    CALL(recvmmsg(s, many, 3, 0, &(struct timespec){0, 1000000000}));
    return 0;
}
