/* Socket options of TCP that servers set and read. */
#include "net.h"
static void show(int fd, int level, int option, const char *name) {
    int value = -1;
    socklen_t length = sizeof value;
    int result = getsockopt(fd, level, option, &value, &length);
    printf("%s: %d %s, length %u\n", name, result, value > 1 ? "set" : value == 1 ? "1" : value == 0 ? "0" : "?", length);
}
int main(void) {
    int end[2], one = 1, size = 100000;
    struct sockaddr_in address;
    net_pair(end);
    int listener = net_listener(&address, 3);
    CALL(setsockopt(end[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    show(end[0], IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
    CALL(setsockopt(end[0], SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one));
    show(end[0], SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
    CALL(setsockopt(end[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    show(end[0], SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF");
    show(end[0], SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF");
    show(end[0], SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
    show(end[0], SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN");
    show(listener, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN of a listener");
    show(end[0], SOL_SOCKET, SO_TYPE, "SO_TYPE");
    show(end[0], SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");
    show(end[0], SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL");
    struct timeval brief = {0, 10000};
    char byte;
    CALL(setsockopt(end[0], SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(setsockopt(end[0], SOL_SOCKET, 9999, &one, sizeof one));
    CALL(getsockopt(end[0], SOL_SOCKET, 9999, &one, &(socklen_t){4}));
    CALL(setsockopt(end[0], IPPROTO_TCP, TCP_NODELAY, &one, 1));
    CALL(setsockopt(0, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one));
    CALL(send(end[1], "12345", 5, 0));
    struct pollfd p = {.fd = end[0], .events = POLLIN};
    CALL(poll(&p, 1, 5000));
    int waiting = 0;
    CALL(ioctl(end[0], FIONREAD, &waiting));
    CALL(waiting);
    CALL(ioctl(end[0], FIONBIO, &one));
    YES(fcntl(end[0], F_GETFL) & O_NONBLOCK);
    return 0;
}
