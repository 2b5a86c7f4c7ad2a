/* shutdown on Unix streams: what both sides read, write and poll. */
#include "net.h"
static int end[2];
static void show(const char *what) {
    struct pollfd p[2] = {{end[0], POLLIN | POLLOUT | POLLRDHUP}, {end[1], POLLIN | POLLOUT | POLLRDHUP}};
    poll(p, 2, 0);
    printf("%s: %#x %#x\n", what, (unsigned)p[0].revents, (unsigned)p[1].revents);
}
int main(void) {
    char byte;
    signal(SIGPIPE, SIG_IGN);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, end));
    show("new");
    send(end[0], "x", 1, 0);
    CALL(shutdown(end[0], SHUT_WR));
    show("no more from 0");
    CALL(send(end[0], "y", 1, 0));
    CALL(recv(end[1], &byte, 1, 0));
    CALL(recv(end[1], &byte, 1, 0));
    CALL(send(end[1], "z", 1, 0));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(shutdown(end[1], SHUT_RD));
    show("1 does not read");
    CALL(shutdown(end[0], SHUT_RD));
    show("0 does not read");
    CALL(send(end[1], "z", 1, 0));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(shutdown(end[1], SHUT_WR));
    show("all shut");
    CALL(shutdown(end[1], SHUT_RDWR));
    CALL(close(end[1]));
    struct pollfd p = {end[0], POLLIN | POLLOUT | POLLRDHUP};
    poll(&p, 1, 0);
    printf("closed: %#x\n", (unsigned)p.revents);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, end));
    send(end[0], "unread", 6, 0);
    close(end[1]);
    p.fd = end[0];
    poll(&p, 1, 0);
    printf("closed unread: %#x\n", (unsigned)p.revents);
    CALL(recv(end[0], &byte, 1, 0));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(send(end[0], "x", 1, 0));
    return 0;
}
