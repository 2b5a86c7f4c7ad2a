/* IP_PKTINFO, IP_RECVTTL, IP_RECVTOS and their IPv6 kin come along when asked for. */
#include "net.h"
static void receive(int fd) {
    char byte[8], control[256] = {0};
    struct iovec part = {byte, sizeof byte};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    printf("%zd:", recvmsg(fd, &m, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        int value = 0;
        memcpy(&value, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0) < 4 ? c->cmsg_len - CMSG_LEN(0) : 4);
        printf(" level %d type %d length %zu value %d;", c->cmsg_level, c->cmsg_type, (size_t)(c->cmsg_len - CMSG_LEN(0)), value);
    }
    puts("");
}
int main(void) {
    int on = 1, ttl = 9;
    struct sockaddr_in a = net_loopback(0);
    socklen_t len = sizeof a;
    int s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), c = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    MUST(bind(s, (void *)&a, sizeof a)), MUST(getsockname(s, (void *)&a, &len));
    CALL(connect(c, (void *)&a, sizeof a));
    send(c, "a", 1, 0), receive(s);
    CALL(setsockopt(s, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
    send(c, "b", 1, 0), receive(s);
    CALL(setsockopt(c, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
    send(c, "c", 1, 0), receive(s);
    CALL(setsockopt(s, IPPROTO_IP, IP_RECVTOS, &on, sizeof on));
    send(c, "d", 1, 0), receive(s);
    CALL(setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
    send(c, "e", 1, 0), receive(s);
    return 0;
}
