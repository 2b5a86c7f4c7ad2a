/* What the other end sees of a close: end of file, EPIPE with SIGPIPE, ECONNRESET when data was left unread. */
#include "net.h"
static volatile int pipes;
static void on_pipe(int sig) { pipes++; }
int main(void) {
    int end[2];
    char byte;
    signal(SIGPIPE, on_pipe);
    net_pair(end);
    CALL(send(end[0], "left unread", 11, 0));
    struct pollfd p = {.fd = end[1], .events = POLLIN};
    CALL(poll(&p, 1, 5000));
    CALL(close(end[1]));
    p.fd = end[0];
    CALL(poll(&p, 1, 5000));
    YES((p.revents & (POLLIN | POLLERR | POLLHUP)) == (POLLIN | POLLERR | POLLHUP));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(send(end[0], "x", 1, MSG_NOSIGNAL));
    CALL(pipes);
    CALL(send(end[0], "x", 1, 0));
    CALL(pipes);
    net_pair(end);
    struct linger linger = {1, 0};
    CALL(setsockopt(end[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    CALL(close(end[0]));
    CALL(recv(end[1], &byte, 1, 0));
    net_pair(end);
    CALL(shutdown(end[0], SHUT_RDWR));
    CALL(recv(end[0], &byte, 1, 0));
    CALL(recv(end[1], &byte, 1, 0));
    CALL(shutdown(end[0], 77));
    return 0;
}
