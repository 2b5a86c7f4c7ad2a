/* Closing with bytes unread resets: the peer sees ECONNRESET once, then the end; half-closed connections. */
#include "net.h"
static void show(const char *what, int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP};
    poll(&p, 1, 0);
    printf("%s: %#x\n", what, (unsigned)p.revents);
}
int main(void) {
    int end[2], error;
    char text[16];
    socklen_t len = sizeof error;
    signal(SIGPIPE, SIG_IGN);
    net_pair(end);
    show("new", end[0]);
    send(end[0], "abc", 3, 0);
    struct pollfd p = {end[1], POLLIN};
    poll(&p, 1, 5000);
    close(end[1]);
    p.fd = end[0];
    CALL(poll(&p, 1, 5000));
    show("reset", end[0]);
    CALL(getsockopt(end[0], SOL_SOCKET, SO_ERROR, &error, &len));
    CALL(error == ECONNRESET);
    CALL(recv(end[0], text, 16, 0));
    CALL(send(end[0], "x", 1, 0));
    CALL(getpeername(end[0], (void *)text, &(socklen_t){sizeof text}));
    CALL(shutdown(end[0], SHUT_WR));
    net_pair(end);
    CALL(shutdown(end[0], SHUT_WR));
    p = (struct pollfd){end[1], POLLRDHUP};
    CALL(poll(&p, 1, 5000));
    show("peer ended", end[1]);
    CALL(recv(end[1], text, 16, 0));
    CALL(send(end[1], "still", 5, 0));
    p = (struct pollfd){end[0], POLLIN};
    CALL(poll(&p, 1, 5000));
    CALL(recv(end[0], text, 16, 0));
    CALL(send(end[0], "x", 1, 0));
    CALL(close(end[1]));
    p = (struct pollfd){end[0], POLLIN};
    CALL(poll(&p, 1, 5000));
    CALL(recv(end[0], text, 16, 0));
    show("both ended", end[0]);
    return 0;
}
