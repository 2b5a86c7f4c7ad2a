/* Sequenced packets: boundaries kept, MSG_EOR, end of file, EPIPE without signal, peeking. */
#include "net.h"
static volatile int pipes;
static void on(int s) { pipes++; }
int main(void) {
    int end[2];
    char text[32];
    signal(SIGPIPE, on);
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, end));
    CALL(send(end[0], "one", 3, 0));
    CALL(send(end[0], "second", 6, MSG_EOR));
    struct iovec part = {text, 2};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    CALL(recvmsg(end[1], &m, 0));
    printf("flags %#x\n", (unsigned)m.msg_flags);
    part.iov_len = 32;
    CALL(recvmsg(end[1], &m, 0));
    printf("flags %#x\n", (unsigned)m.msg_flags);
    CALL(send(end[0], "", 0, 0));
    CALL(send(end[0], "x", 1, 0));
    CALL(recv(end[1], text, 32, MSG_PEEK));
    CALL(recv(end[1], text, 32, 0));
    CALL(recv(end[1], text, 32, MSG_WAITALL));
    CALL(recv(end[1], text, 32, MSG_DONTWAIT));
    CALL(send(end[0], "last", 4, 0));
    CALL(shutdown(end[0], SHUT_WR));
    CALL(send(end[0], "x", 1, 0));
    CALL(pipes);
    CALL(recv(end[1], text, 32, 0));
    CALL(recv(end[1], text, 32, 0));
    CALL(send(end[1], "back", 4, 0));
    CALL(close(end[1]));
    CALL(recv(end[0], text, 32, 0));
    CALL(recv(end[0], text, 32, 0));
    CALL(send(end[0], "x", 1, MSG_NOSIGNAL));
    CALL(pipes);
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, end));
    send(end[0], "unread", 6, 0);
    close(end[1]);
    CALL(recv(end[0], text, 32, 0));
    CALL(recv(end[0], text, 32, 0));
    CALL(send(end[0], text, 1, 0));
    CALL(pipes);
    return 0;
}
