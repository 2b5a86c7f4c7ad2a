/* Nonblocking connects: EINPROGRESS, readiness, SO_ERROR, EISCONN; refused ones. */
#include "net.h"
int main(void) {
    struct sockaddr_in a;
    int error = 77, s = net_listener(&a, 5);
    socklen_t len = sizeof error;
    int c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    struct pollfd p = {c, POLLOUT};
    CALL(poll(&p, 1, 0));
    CALL(p.revents == (POLLOUT | POLLHUP));
    CALL(connect(c, (void *)&a, sizeof a));
    CALL(poll(&p, 1, 5000));
    CALL(p.revents);
    CALL(getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &len));
    CALL(error);
    CALL(connect(c, (void *)&a, sizeof a));
    CALL(connect(c, (void *)&a, sizeof a));
    close(s), close(c);
    c = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    CALL(connect(c, (void *)&a, sizeof a));
    p.fd = c;
    CALL(poll(&p, 1, 5000));
    YES((p.revents & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
    CALL(getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &len));
    CALL(error == ECONNREFUSED);
    CALL(getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &len));
    CALL(error);
    CALL(send(c, "x", 1, MSG_NOSIGNAL));
    CALL(recv(c, &error, 1, 0));
    int b = MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(connect(b, (void *)&a, sizeof a));
    CALL(connect(b, (void *)&a, sizeof a));
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    s = net_listener(&a, 1);
    CALL(connect(b, (void *)&a, sizeof a));
    CALL(connect(b, &none, sizeof none));
    CALL(getpeername(b, (void *)&a, &(socklen_t){sizeof a}));
    return 0;
}
