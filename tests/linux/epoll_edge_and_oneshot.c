/* Edge-triggered and one-shot epoll report once for each new thing. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/socket.h>
static int ep;
static void wait_once(const char *when) {
    struct epoll_event event;
    int n = epoll_wait(ep, &event, 1, 0);
    printf("%s: %d%s%s%s\n", when, n, n && event.events & EPOLLIN ? " in" : "", n && event.events & EPOLLOUT ? " out" : "",
           n && event.events & EPOLLRDHUP ? " rdhup" : "");
}
int main(void) {
    int pair[2];
    char text[8];
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    ep = MUST(epoll_create1(0));
    struct epoll_event edge = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &edge));
    wait_once("nothing yet");
    write(pair[1], "a", 1);
    wait_once("first byte");
    wait_once("again");
    write(pair[1], "b", 1);
    wait_once("second byte");
    read(pair[0], text, 1);
    wait_once("after reading one");
    read(pair[0], text, 8);
    wait_once("drained");
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &edge));
    wait_once("rearmed, empty");
    write(pair[1], "c", 1);
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &edge));
    wait_once("rearmed, full");
    struct epoll_event once = {.events = EPOLLIN | EPOLLONESHOT};
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &once));
    wait_once("one shot");
    write(pair[1], "d", 1);
    wait_once("spent");
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &once));
    wait_once("one shot again");
    read(pair[0], text, 8);
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, pair[0], &edge));
    shutdown(pair[1], SHUT_WR);
    wait_once("peer shut down");
    wait_once("again");
    return 0;
}
