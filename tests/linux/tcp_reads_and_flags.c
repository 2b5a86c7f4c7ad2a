/* MSG_PEEK, MSG_TRUNC, MSG_WAITALL, zero lengths, vectors, SO_RCVTIMEO over TCP. */
#include "net.h"
static int end[2];
static void *rest(void *arg) {
    send(end[0], "cd", 2, 0), send(end[0], "ef", 2, 0);
    return NULL;
}
static void until(int n) {
    for (int got = 0; got < n; sched_yield()) ioctl(end[1], FIONREAD, &got);
}
int main(void) {
    char text[32] = "", other[4] = "";
    net_pair(end);
    CALL(recv(end[1], text, 32, MSG_DONTWAIT));
    CALL(send(end[0], "", 0, 0));
    CALL(send(end[0], "abcdef", 6, 0));
    until(6);
    CALL(recv(end[1], text, 32, MSG_PEEK));
    CALL(recv(end[1], text, 0, 0));
    CALL(recv(end[1], NULL, 2, MSG_TRUNC));
    CALL(recv(end[1], text, 1, 0));
    CALL(text[0]);
    struct iovec parts[2] = {{text, 1}, {other, 4}};
    CALL(readv(end[1], parts, 2));
    printf("%c %.2s\n", text[0], other);
    CALL(send(end[0], "ab", 2, 0));
    pthread_t thread = test_start(rest, NULL);
    CALL(recv(end[1], text, 6, MSG_WAITALL));
    printf("%.6s\n", text);
    pthread_join(thread, NULL);
    struct timeval soon = {0, 2000};
    CALL(setsockopt(end[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    CALL(recv(end[1], text, 1, 0));
    CALL(send(end[0], "xy", 2, 0));
    CALL(recv(end[1], text, 8, MSG_WAITALL));
    CALL(recv(end[1], (void *)8, 8, MSG_DONTWAIT));
    CALL(send(end[0], (void *)8, 8, 0));
    CALL(send(end[0], "z", 1, MSG_MORE));
    CALL(shutdown(end[0], SHUT_WR));
    CALL(recv(end[1], text, 8, MSG_WAITALL));
    CALL(recv(end[1], text, 8, MSG_PEEK));
    return 0;
}
