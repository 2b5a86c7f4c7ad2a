/* Stream sockets of each state: what connect, listen, accept, send, receive and shutdown answer. */
#include "net.h"
int main(void) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 20);
    char byte;
    snprintf(a.sun_path + 1, 19, "states-%d", (int)getpid());
    signal(SIGPIPE, SIG_IGN);
    int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(listen(s, 1));
    CALL(accept(s, NULL, NULL));
    CALL(send(s, "x", 1, 0));
    CALL(recv(s, &byte, 1, 0));
    CALL(shutdown(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), SHUT_RDWR));
    CALL(getpeername(s, (void *)&a, &(socklen_t){sizeof a}));
    CALL(bind(s, (void *)&a, len));
    CALL(listen(s, 1));
    CALL(listen(s, 2));
    CALL(connect(s, (void *)&a, len));
    CALL(send(s, "x", 1, 0));
    CALL(recv(s, &byte, 1, 0));
    int d = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    CALL(connect(d, (void *)&a, len));
    CALL(listen(d, 1));
    CALL(accept(d, NULL, NULL));
    CALL(sendto(d, "x", 1, 0, (void *)&a, len));
    CALL(connect(MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0)), (void *)&a, len));
    CALL(connect(c, (void *)&a, len));
    CALL(connect(c, (void *)&a, len));
    CALL(sendto(c, "x", 1, 0, (void *)&a, len));
    CALL(listen(c, 1));
    CALL(accept(c, NULL, NULL));
    fcntl(s, F_SETFL, O_NONBLOCK);
    int got = MUST(accept(s, NULL, NULL));
    CALL(fcntl(got, F_GETFL) & O_NONBLOCK);
    CALL(accept(s, NULL, NULL));
    CALL(recv(got, &byte, 1, MSG_DONTWAIT));
    CALL(accept4(s, NULL, NULL, 0x77));
    CALL(close(got));
    CALL(recv(c, &byte, 1, 0));
    CALL(send(c, "x", 1, 0));
    CALL(shutdown(c, SHUT_WR));
    return 0;
}
