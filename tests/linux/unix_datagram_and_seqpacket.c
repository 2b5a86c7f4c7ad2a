/* Unix datagrams and sequenced packets keep borders; truncation is told. */
#include "net.h"
int main(void) {
    char text[32] = "";
    int pair[2];
    CALL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    CALL(send(pair[0], "first", 5, 0));
    CALL(send(pair[0], "second", 6, 0));
    CALL(recv(pair[1], text, 3, 0));
    CALL(recv(pair[1], text, sizeof text, 0));
    struct iovec part = {text, 2};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    CALL(send(pair[0], "third", 5, 0));
    CALL(recvmsg(pair[1], &message, 0));
    YES(message.msg_flags & MSG_TRUNC);
    CALL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
    CALL(send(pair[0], "one", 3, 0));
    CALL(send(pair[0], "two", 3, 0));
    CALL(recv(pair[1], text, sizeof text, 0));
    CALL(recv(pair[1], text, 1, 0));
    CALL(recv(pair[1], text, 1, 0));
    CALL(close(pair[0]));
    CALL(recv(pair[1], text, 1, 0));
    test_scratch_directory();
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "datagram"}, from;
    int a = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    CALL(bind(a, (struct sockaddr *)&address, sizeof address));
    CALL(sendto(b, "named", 5, 0, (struct sockaddr *)&address, sizeof address));
    socklen_t length = sizeof from;
    CALL(recvfrom(a, text, sizeof text, 0, (struct sockaddr *)&from, &length));
    YES(length == 0 || length == sizeof(sa_family_t));
    CALL(unlink("datagram"));
    CALL(sendto(b, "named", 5, 0, (struct sockaddr *)&address, sizeof address));
    test_remove_scratch_directory();
    return 0;
}
