/* EPOLLONESHOT with several threads: each event is handled by exactly one, until it is armed again. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static int set, events[4], stop;
static _Atomic int inside[4], clashes, handled;
static void *work(void *arg) {
    for (;;) {
        struct epoll_event got;
        if (epoll_wait(set, &got, 1, -1) != 1) return (void *)1;
        int i = (int)got.data.u32;
        if (i == 99) return NULL;
        if (inside[i]++) clashes++;
        eventfd_t value;
        eventfd_read(events[i], &value);
        sched_yield();
        inside[i]--;
        if (++handled == 400) eventfd_write(stop, 1);
        else {
            struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = (uint32_t)i};
            epoll_ctl(set, EPOLL_CTL_MOD, events[i], &again);
        }
    }
}
int main(void) {
    pthread_t threads[4];
    set = MUST(epoll_create1(0));
    stop = MUST(eventfd(0, 0));
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 99};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, stop, &e));
    for (uint32_t i = 0; i < 4; i++) {
        events[i] = MUST(eventfd(200, EFD_SEMAPHORE));
        struct epoll_event one = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = i};
        MUST(epoll_ctl(set, EPOLL_CTL_ADD, events[i], &one));
    }
    for (int i = 0; i < 4; i++) threads[i] = test_start(work, NULL);
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        CALL((long)bad);
    }
    CALL(clashes);
    YES(handled >= 400);
    return 0;
}
