/* Several threads accept on one listener, clients connect at once: each connection is served once. */
#include "net.h"
static int s;
static struct sockaddr_in a;
static _Atomic int served;
static void *serve(void *arg) {
    int c;
    while ((c = accept(s, NULL, NULL)) >= 0) {
        char number;
        if (recv(c, &number, 1, 0) == 1 && number == 'q') { close(c); return NULL; }
        /* Before the answer: whoever has that may look at the count. */
        served++;
        send(c, &number, 1, 0);
        close(c);
    }
    return (void *)1;
}
static void *client(void *arg) {
    long wrong = 0;
    for (int i = 0; i < 25; i++) {
        char sent = (char)('0' + i), got = 0;
        int c = net_connect(&a);
        send(c, &sent, 1, 0);
        wrong += recv(c, &got, 1, 0) != 1 || got != sent;
        close(c);
    }
    return (void *)wrong;
}
int main(void) {
    pthread_t servers[3], clients[4];
    void *bad;
    s = net_listener(&a, 50);
    for (int i = 0; i < 3; i++) servers[i] = test_start(serve, NULL);
    for (int i = 0; i < 4; i++) clients[i] = test_start(client, NULL);
    for (int i = 0; i < 4; i++) pthread_join(clients[i], &bad), CALL((long)bad);
    CALL(served);
    for (int i = 0; i < 3; i++) {
        int c = net_connect(&a);
        send(c, "q", 1, 0);
        char byte;
        recv(c, &byte, 1, 0);
        close(c);
    }
    for (int i = 0; i < 3; i++) pthread_join(servers[i], &bad), CALL((long)bad);
    return 0;
}
