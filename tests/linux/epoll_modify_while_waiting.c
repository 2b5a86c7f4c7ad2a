/* Members that are added or changed while a thread waits, and a set that is closed by its last descriptor. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
static int set;
static void *wait_for(void *arg) {
    struct epoll_event got = {0};
    int n = epoll_wait(set, &got, 1, 10000);
    return (void *)(long)(n * 100 + (int)got.data.u32);
}
int main(void) {
    void *result;
    int ready = MUST(eventfd(1, 0)), other = MUST(eventfd(0, 0));
    set = MUST(epoll_create1(0));
    pthread_t thread = test_start(wait_for, NULL);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 1};
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, ready, &e));
    pthread_join(thread, &result);
    CALL((long)result);
    e.events = 0;
    CALL(epoll_ctl(set, EPOLL_CTL_MOD, ready, &e));
    CALL(epoll_wait(set, &e, 1, 0));
    thread = test_start(wait_for, NULL);
    e.events = EPOLLIN | EPOLLET, e.data.u32 = 2;
    CALL(epoll_ctl(set, EPOLL_CTL_MOD, ready, &e));
    pthread_join(thread, &result);
    CALL((long)result);
    thread = test_start(wait_for, NULL);
    e.events = EPOLLOUT, e.data.u32 = 3;
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, other, &e));
    pthread_join(thread, &result);
    CALL((long)result);
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, ready, &e));
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, other, &e));
    CALL(epoll_wait(set, &e, 1, 0));
    return 0;
}
