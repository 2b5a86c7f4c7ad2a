/* epoll_pwait2: nanoseconds, none, zero, wrong times, wrong masks; epoll_pwait with a mask and a pending signal. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static volatile int signals;
static void on(int s) { signals++; }
static long pwait2(int set, struct epoll_event *e, int n, const struct timespec *t, const sigset_t *mask, size_t size) {
    return syscall(SYS_epoll_pwait2, set, e, n, t, mask, size);
}
int main(void) {
    int set = MUST(epoll_create1(0)), event = MUST(eventfd(0, 0));
    struct epoll_event in = {.events = EPOLLIN}, got;
    struct timespec zero = {0, 0}, some = {0, 5000000}, wrong = {0, 1000000000}, negative = {-1, 0};
    sigset_t none, usr1;
    sigemptyset(&none), sigemptyset(&usr1), sigaddset(&usr1, SIGUSR1);
    signal(SIGUSR1, on);
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, event, &in));
    CALL(pwait2(set, &got, 1, &zero, NULL, 0));
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    CALL(pwait2(set, &got, 1, &some, NULL, 0));
    YES(test_now_ns(CLOCK_MONOTONIC) - before >= 5000000);
    CALL(pwait2(set, &got, 1, &wrong, NULL, 0));
    CALL(pwait2(set, &got, 1, &negative, NULL, 0));
    CALL(pwait2(set, &got, 1, (void *)8, NULL, 0));
    CALL(pwait2(set, &got, 1, &zero, &none, 4));
    CALL(pwait2(set, &got, 1, &zero, (void *)8, 8));
    CALL(pwait2(set, &got, 0, &zero, NULL, 0));
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    CALL(epoll_pwait(set, &got, 1, 0, NULL));
    CALL(signals);
    CALL(epoll_pwait(set, &got, 1, 1000, &none));
    CALL(signals);
    raise(SIGUSR1);
    eventfd_write(event, 1);
    CALL(epoll_pwait(set, &got, 1, 1000, &usr1));
    CALL(signals);
    CALL(pwait2(set, &got, 1, NULL, &usr1, 8));
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    CALL(sigismember(&now, SIGUSR1));
    sigpending(&now);
    CALL(sigismember(&now, SIGUSR1));
    return 0;
}
