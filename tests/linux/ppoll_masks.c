/* ppoll and pselect with masks: a signal blocked outside is let in for the time of the wait only. */
#include "test.h"
#include <poll.h>
#include <sys/select.h>
static volatile int signals;
static void on(int s) { signals++; }
static void *send(void *arg) {
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}
int main(void) {
    int p[2];
    sigset_t blocked, none, now;
    struct timespec zero = {0, 0}, second = {5, 0};
    pthread_t self = pthread_self();
    sigemptyset(&blocked), sigaddset(&blocked, SIGUSR1), sigemptyset(&none);
    signal(SIGUSR1, on);
    MUST(pipe(p));
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    struct pollfd one = {.fd = p[0], .events = POLLIN};
    raise(SIGUSR1);
    CALL(ppoll(&one, 1, &zero, &blocked));
    CALL(signals);
    CALL(ppoll(&one, 1, &second, &none));
    CALL(signals);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    CALL(sigismember(&now, SIGUSR1));
    pthread_t thread = test_start(send, &self);
    CALL(ppoll(&one, 1, NULL, &none));
    CALL(signals);
    pthread_join(thread, NULL);
    fd_set in;
    FD_ZERO(&in); FD_SET(p[0], &in);
    raise(SIGUSR1);
    CALL(pselect(p[0] + 1, &in, NULL, NULL, &zero, &blocked));
    CALL(signals);
    FD_SET(p[0], &in);
    CALL(pselect(p[0] + 1, &in, NULL, NULL, &second, &none));
    CALL(signals);
    CALL(FD_ISSET(p[0], &in));
    write(p[1], "x", 1);
    raise(SIGUSR1);
    CALL(ppoll(&one, 1, &second, &none));
    CALL(signals);
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    CALL(sigismember(&now, SIGUSR1));
    return 0;
}
