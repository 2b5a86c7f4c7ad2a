/* Edge-triggered members report each arrival, not each level; modifying reports again. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/socket.h>
int main(void) {
    int p[2], s[2], set = MUST(epoll_create1(0));
    char byte[8];
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u32 = 1}, got;
    MUST(pipe2(p, O_NONBLOCK));
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &e));
    CALL(epoll_wait(set, &got, 1, 0));
    write(p[1], "a", 1);
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(epoll_wait(set, &got, 1, 0));
    write(p[1], "b", 1);
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(read(p[0], byte, 1));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(epoll_ctl(set, EPOLL_CTL_MOD, p[0], &e));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(close(p[1]));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.events == (EPOLLIN | EPOLLHUP));
    CALL(epoll_wait(set, &got, 1, 0));
    close(p[0]);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, s[0], &e));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.events == EPOLLOUT);
    CALL(epoll_wait(set, &got, 1, 0));
    write(s[1], "x", 1);
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.events == (EPOLLIN | EPOLLOUT));
    CALL(shutdown(s[1], SHUT_WR));
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(got.events == (EPOLLIN | EPOLLOUT | EPOLLRDHUP));
    CALL(epoll_wait(set, &got, 1, 0));
    return 0;
}
