/* Connected datagram sockets learn that nobody listens; unconnected ones do not; disconnecting. */
#include "net.h"
int main(void) {
    struct sockaddr_in a = net_loopback(0);
    socklen_t len = sizeof a;
    char text[8];
    int error = 0, s = MUST(socket(AF_INET, SOCK_DGRAM, 0)), c = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    MUST(bind(s, (void *)&a, sizeof a)), MUST(getsockname(s, (void *)&a, &len));
    close(s);
    CALL(sendto(c, "x", 1, 0, (void *)&a, sizeof a));
    CALL(recv(c, text, 8, MSG_DONTWAIT));
    CALL(send(c, "x", 1, 0));
    CALL(connect(c, (void *)&a, sizeof a));
    CALL(send(c, "x", 1, 0));
    struct pollfd p = {c, POLLIN};
    CALL(poll(&p, 1, 5000));
    CALL(p.revents);
    CALL(recv(c, text, 8, MSG_DONTWAIT));
    CALL(recv(c, text, 8, MSG_DONTWAIT));
    CALL(send(c, "x", 1, 0));
    poll(&p, 1, 5000);
    CALL(send(c, "x", 1, 0));
    poll(&p, 1, 5000);
    len = sizeof error;
    getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &len);
    CALL(send(c, "x", 1, 0));
    poll(&p, 1, 5000);
    CALL(getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &len));
    CALL(error == ECONNREFUSED);
    CALL(getpeername(c, (void *)&a, &(socklen_t){sizeof a}));
    CALL(connect(c, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
    CALL(getpeername(c, (void *)&a, &(socklen_t){sizeof a}));
    CALL(send(c, "x", 1, 0));
    CALL(shutdown(c, SHUT_RDWR));
    CALL(listen(c, 1));
    CALL(accept(c, NULL, NULL));
    a.sin_port = 0;
    CALL(sendto(c, "x", 1, 0, (void *)&a, sizeof a));
    CALL(sendto(c, "x", 1, 0, (void *)&a, 4));
    CALL(sendto(c, "x", 1, 0, (void *)8, sizeof a));
    CALL(recv(c, text, 8, MSG_OOB | MSG_DONTWAIT));
    CALL(send(c, "x", 1, MSG_OOB));
    return 0;
}
