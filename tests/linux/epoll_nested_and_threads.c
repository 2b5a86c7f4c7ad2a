/* An epoll in an epoll, and a thread woken from epoll_wait by each kind of descriptor. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static int event, ends[2];
static void *wake(void *arg) {
    test_sleep_ms(10);
    if (arg) write(ends[1], "x", 1);
    else eventfd_write(event, 1);
    return NULL;
}
int main(void) {
    struct epoll_event got, in = {.events = EPOLLIN, .data.u32 = 1};
    int outer = MUST(epoll_create1(0)), inner = MUST(epoll_create1(0));
    event = MUST(eventfd(0, EFD_NONBLOCK));
    MUST(pipe(ends));
    CALL(epoll_ctl(inner, EPOLL_CTL_ADD, event, &in));
    in.data.u32 = 2;
    CALL(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &in));
    in.data.u32 = 3;
    CALL(epoll_ctl(outer, EPOLL_CTL_ADD, ends[0], &in));
    CALL(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &in));
    CALL(epoll_wait(outer, &got, 1, 0));
    for (long i = 0; i < 2; i++) {
        pthread_t thread = test_start(wake, (void *)i);
        CALL(epoll_wait(outer, &got, 1, 10000));
        CALL(got.data.u32);
        pthread_join(thread, NULL);
        eventfd_t value;
        char byte;
        if (i == 0) {
            CALL(epoll_wait(inner, &got, 1, 0));
            CALL(got.data.u32);
            eventfd_read(event, &value);
        } else read(ends[0], &byte, 1);
        CALL(epoll_wait(outer, &got, 1, 0));
    }
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    CALL(epoll_wait(outer, &got, 1, 20));
    YES(test_now_ns(CLOCK_MONOTONIC) - before >= 20000000);
    int copy = dup(event);
    close(event);
    eventfd_write(copy, 1);
    CALL(epoll_wait(inner, &got, 1, 0));
    close(copy);
    CALL(epoll_wait(inner, &got, 1, 0));
    return 0;
}
