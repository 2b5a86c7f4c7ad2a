/* MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC, MSG_OOB on Unix streams, and time-outs. */
#include "net.h"
static int end[2];
static void *rest(void *arg) {
    send(end[0], "cd", 2, 0), send(end[0], "ef", 2, 0);
    return NULL;
}
int main(void) {
    char text[16] = "";
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, end));
    CALL(recv(end[1], text, 1, MSG_DONTWAIT));
    send(end[0], "ab", 2, 0);
    CALL(recv(end[1], text, 16, MSG_PEEK));
    CALL(recv(end[1], text, 16, MSG_PEEK | MSG_DONTWAIT));
    pthread_t thread = test_start(rest, NULL);
    CALL(recv(end[1], text, 6, MSG_WAITALL));
    printf("%.6s\n", text);
    pthread_join(thread, NULL);
    send(end[0], "xyz", 3, 0);
    shutdown(end[0], SHUT_WR);
    CALL(recv(end[1], text, 16, MSG_WAITALL));
    CALL(recv(end[1], text, 16, MSG_WAITALL));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, end));
    struct timeval soon = {0, 3000}, got;
    CALL(setsockopt(end[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    socklen_t len = sizeof got;
    CALL(getsockopt(end[1], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
    CALL(got.tv_usec >= 3000 && got.tv_usec <= 8000);
    CALL(recv(end[1], text, 1, 0));
    CALL(read(end[1], text, 1));
    send(end[0], "ab", 2, 0);
    CALL(recv(end[1], text, 8, MSG_WAITALL));
    soon.tv_usec = 1000000;
    CALL(setsockopt(end[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    CALL(setsockopt(end[1], SOL_SOCKET, SO_RCVTIMEO, &soon, 4));
    soon = (struct timeval){0, 3000};
    CALL(setsockopt(end[0], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon));
    static char block[1 << 20];
    long sent = send(end[0], block, sizeof block, 0);
    YES(sent > 0 && sent < (long)sizeof block);
    CALL(send(end[0], block, sizeof block, 0));
    return 0;
}
