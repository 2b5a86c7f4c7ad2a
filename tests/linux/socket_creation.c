/* socket and socketpair: families, types, protocols and flags that are there or refused. */
#include "net.h"
#include <linux/netlink.h>
int main(void) {
    int end[2];
    CALL(socket(AF_UNIX, SOCK_STREAM, 1) > 0);
    CALL(socket(AF_UNIX, SOCK_STREAM, 7));
    CALL(socket(AF_UNIX, SOCK_RAW, 0) > 0);
    CALL(socket(AF_UNIX, SOCK_RDM, 0));
    CALL(socket(AF_UNIX, 0, 0));
    CALL(socket(AF_UNIX, SOCK_STREAM | 0x40000, 0));
    CALL(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    CALL(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    CALL(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) > 0);
    CALL(socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP) > 0);
    CALL(socket(AF_INET, SOCK_SEQPACKET, 0));
    CALL(socket(AF_INET, SOCK_STREAM, 4711));
    CALL(socket(AF_INET, SOCK_STREAM, -1));
    CALL(socket(AF_INET, 77, 0));
    CALL(socket(77, SOCK_STREAM, 0));
    CALL(socket(-1, SOCK_STREAM, 0));
    CALL(socket(AF_UNSPEC, SOCK_STREAM, 0));
    CALL(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) > 0);
    int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    CALL(fcntl(fd, F_GETFD));
    CALL((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CALL(socketpair(AF_INET, SOCK_STREAM, 0, end));
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, end));
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 5, end));
    CALL(socketpair(77, SOCK_STREAM, 0, end));
    CALL(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (void *)8));
    CALL(bind(0, NULL, 0));
    CALL(listen(-1, 1));
    CALL(getsockopt(0, SOL_SOCKET, SO_TYPE, &(int){0}, &(socklen_t){4}));
    CALL(shutdown(0, SHUT_RD));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(pread(fd, end, 1, 0));
    CALL(ftruncate(fd, 0));
    CALL(fsync(fd));
    return 0;
}
