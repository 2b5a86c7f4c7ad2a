/* SO_PEERPIDFD: a descriptor of the process at the other side; none without one. */
#include "test.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
int main(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0catalyzer-peer-pidfd"};
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 21, size = sizeof(int);
    int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fd = -1, pair[2];
    MUST(bind(listener, (void *)&name, len));
    MUST(listen(listener, 1));
    pid_t child = MUST(fork());
    if (child == 0) {
        int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
        MUST(connect(client, (void *)&name, len));
        for (;;) pause();
    }
    int server = MUST(accept(listener, NULL, NULL));
    CALL(getsockopt(server, SOL_SOCKET, SO_PEERPIDFD, &fd, &size));
    CALL(size);
    CALL(fcntl(fd, F_GETFD));
    struct pollfd entry = {fd, POLLIN, 0};
    CALL(poll(&entry, 1, 0));
    CALL(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
    CALL(poll(&entry, 1, -1));
    MUST(waitpid(child, NULL, 0));
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
    CALL(getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &size));
    CALL(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    int alone = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(getsockopt(alone, SOL_SOCKET, SO_PEERPIDFD, &fd, &size));
    return 0;
}
