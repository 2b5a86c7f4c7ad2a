/* A stream larger than all buffers, with slow and fast readers, arrives whole; nonblocking senders stop and go on. */
#include "net.h"
enum { ALL = 6 << 20 };
static int end[2];
static void *sender(void *arg) {
    static char block[70001];
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(i * 7);
    size_t done = 0;
    while (done < ALL) {
        size_t part = ALL - done < sizeof block ? ALL - done : sizeof block;
        ssize_t n = send(end[0], block, part, 0);
        if (n != (ssize_t)part) return (void *)1;
        done += part;
    }
    shutdown(end[0], SHUT_WR);
    return NULL;
}
int main(void) {
    static char text[100000];
    void *bad;
    net_pair(end);
    pthread_t thread = test_start(sender, NULL);
    size_t got = 0, wrong = 0;
    for (ssize_t n; (n = recv(end[1], text, got % 9999 + 1000, 0)) > 0; got += (size_t)n)
        for (ssize_t i = 0; i < n; i++) wrong += text[i] != (char)((got + (size_t)i) % 70001 * 7);
    pthread_join(thread, &bad);
    CALL((long)bad);
    CALL(got);
    CALL(wrong);
    net_pair(end);
    fcntl(end[0], F_SETFL, O_NONBLOCK);
    long sent = 0, n;
    while ((n = send(end[0], text, sizeof text, 0)) > 0) sent += n;
    YES(n == -1 && errno == EAGAIN);
    struct pollfd p = {end[0], POLLOUT};
    CALL(poll(&p, 1, 0));
    long back = 0;
    while (back < sent) back += MUST(recv(end[1], text, sizeof text, 0));
    CALL(back == sent);
    CALL(poll(&p, 1, 5000));
    return 0;
}
