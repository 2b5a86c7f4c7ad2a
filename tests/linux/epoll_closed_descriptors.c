/* A member belongs to the open file: it stays while a duplicate lives, and reports by its old number. */
#include "test.h"
#include <sys/epoll.h>
int main(void) {
    int p[2], set = MUST(epoll_create1(0));
    struct epoll_event in = {.events = EPOLLIN, .data.u64 = 5}, got = {0};
    MUST(pipe(p));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &in));
    int copy = MUST(dup(p[0]));
    in.data.u64 = 6;
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, copy, &in));
    write(p[1], "x", 1);
    struct epoll_event many[4];
    CALL(epoll_wait(set, many, 4, 0));
    CALL(many[0].data.u64 + many[1].data.u64);
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, copy, NULL));
    int number = p[0];
    CALL(close(p[0]));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.data.u64);
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, number, NULL));
    CALL(epoll_ctl(set, EPOLL_CTL_MOD, copy, &in));
    CALL(dup2(copy, number) == number);
    in.data.u64 = 7;
    CALL(epoll_ctl(set, EPOLL_CTL_MOD, number, &in));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.data.u64);
    CALL(close(number));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(close(copy));
    CALL(epoll_wait(set, &got, 1, 0));
    close(p[1]);
    MUST(pipe(p));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &in));
    CALL(close(p[1]));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.events == EPOLLHUP);
    CALL(close(p[0]));
    CALL(epoll_wait(set, &got, 1, 0));
    return 0;
}
