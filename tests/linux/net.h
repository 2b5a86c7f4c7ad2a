/* Loopback sockets for the programs about the network of the inside. */
#ifndef NET_H
#define NET_H
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static inline struct sockaddr_in net_loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return address;
}

/* A listener on a port that the system chooses; the address is filled in. */
static inline int net_listener(struct sockaddr_in *address, int backlog) {
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    socklen_t length = sizeof *address;
    *address = net_loopback(0);
    MUST(bind(fd, (struct sockaddr *)address, sizeof *address));
    MUST(listen(fd, backlog));
    MUST(getsockname(fd, (struct sockaddr *)address, &length));
    return fd;
}

static inline int net_connect(const struct sockaddr_in *address) {
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(fd, (const struct sockaddr *)address, sizeof *address));
    return fd;
}

/* Two ends of a loopback connection: end[0] connected, end[1] accepted. */
static inline void net_pair(int end[2]) {
    struct sockaddr_in address;
    int listener = net_listener(&address, 1);
    end[0] = net_connect(&address);
    end[1] = (int)MUST(accept(listener, NULL, NULL));
    close(listener);
}
#endif
