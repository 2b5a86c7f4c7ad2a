/* Nonblocking connect, accept and send: EAGAIN, EINPROGRESS, SO_ERROR, a full buffer. */
#include "net.h"
int main(void) {
    static char block[65536];
    struct sockaddr_in address;
    int listener = net_listener(&address, 8), error;
    socklen_t length = sizeof error;
    CALL(fcntl(listener, F_SETFL, O_NONBLOCK));
    CALL(accept(listener, NULL, NULL));
    int client = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int result = connect(client, (struct sockaddr *)&address, sizeof address);
    YES(result == 0 || errno == EINPROGRESS);
    struct pollfd p = {.fd = client, .events = POLLOUT};
    CALL(poll(&p, 1, 5000));
    YES(p.revents == POLLOUT);
    CALL(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length));
    CALL(error);
    p.fd = listener, p.events = POLLIN;
    CALL(poll(&p, 1, 5000));
    int server = MUST(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    YES(fcntl(server, F_GETFL) & O_NONBLOCK);
    YES(fcntl(server, F_GETFD) & FD_CLOEXEC);
    CALL(recv(server, block, 1, 0));
    long sent = 0, got = 0;
    for (ssize_t n; (n = send(client, block, sizeof block, 0)) > 0;) sent += n;
    CALL(send(client, block, sizeof block, 0));
    YES(sent >= 65536);
    p.fd = client, p.events = POLLOUT;
    CALL(poll(&p, 1, 0));
    while (got < sent) {
        ssize_t n = recv(server, block, sizeof block, 0);
        if (n > 0) got += n;
        else {
            p.fd = server, p.events = POLLIN;
            poll(&p, 1, 1000);
        }
    }
    YES(got == sent);
    p.fd = client, p.events = POLLOUT;
    CALL(poll(&p, 1, 5000));
    close(listener);
    int refused = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    result = connect(refused, (struct sockaddr *)&address, sizeof address);
    YES(result == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
    int how = errno;
    p.fd = refused;
    poll(&p, 1, 5000);
    getsockopt(refused, SOL_SOCKET, SO_ERROR, &error, &length);
    YES(how == ECONNREFUSED || error == ECONNREFUSED);
    return 0;
}
