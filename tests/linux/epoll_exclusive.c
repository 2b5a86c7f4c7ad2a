/* EPOLLEXCLUSIVE: what it may be combined with; of several sets at least one is told. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static int sets[4], event;
static _Atomic int left = 4;
static void *wait_for(void *arg) {
    struct epoll_event got;
    int n = epoll_wait(sets[(long)arg], &got, 1, 15000);
    left--;
    return (void *)(long)n;
}
int main(void) {
    struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    pthread_t threads[4];
    event = MUST(eventfd(0, 0));
    for (int i = 0; i < 4; i++) sets[i] = MUST(epoll_create1(0));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &e));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &e));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_MOD, event, &e));
    e.events = EPOLLIN;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_MOD, event, &e));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_DEL, event, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[1], &e));
    e.events = EPOLLIN;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_MOD, event, &e));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_DEL, event, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP | EPOLLERR | EPOLLHUP | EPOLLOUT;
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &e));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_DEL, event, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE;
    for (int i = 0; i < 4; i++) CALL(epoll_ctl(sets[i], EPOLL_CTL_ADD, event, &e));
    for (long i = 0; i < 4; i++) threads[i] = test_start(wait_for, (void *)i);
    /* Each event reaches at least one that still waits. */
    for (int wanted = 3; wanted >= 0; wanted--) {
        MUST(eventfd_write(event, 1));
        while (left > wanted) sched_yield();
        eventfd_t value;
        MUST(eventfd_read(event, &value));
    }
    for (int i = 0; i < 4; i++) {
        void *told;
        pthread_join(threads[i], &told);
        CALL((long)told);
    }
    return 0;
}
