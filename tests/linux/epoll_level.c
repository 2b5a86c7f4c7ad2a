/* Level-triggered epoll on pipes: reported as long as it is so. */
#include "test.h"
#include <sys/epoll.h>
static void wait_once(int ep) {
    struct epoll_event events[4];
    int n = epoll_wait(ep, events, 4, 0);
    printf("%d event(s)", n);
    for (int i = 0; i < n; i++)
        printf(" %lu:%s%s%s%s", (unsigned long)events[i].data.u64, events[i].events & EPOLLIN ? "in" : "",
               events[i].events & EPOLLOUT ? "out" : "", events[i].events & EPOLLHUP ? "hup" : "",
               events[i].events & EPOLLERR ? "err" : "");
    puts("");
}
int main(void) {
    int ends[2];
    char text[8];
    MUST(pipe(ends));
    int ep = MUST(epoll_create1(EPOLL_CLOEXEC));
    struct epoll_event in = {.events = EPOLLIN, .data.u64 = 1}, out = {.events = EPOLLOUT, .data.u64 = 0xffffffff00000002};
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &in));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &in));
    wait_once(ep);
    write(ends[1], "ab", 2);
    wait_once(ep);
    read(ends[0], text, 1);
    wait_once(ep);
    read(ends[0], text, 1);
    wait_once(ep);
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, ends[1], &out));
    wait_once(ep);
    out.events = 0;
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, ends[1], &out));
    wait_once(ep);
    close(ends[1]);
    wait_once(ep);
    CALL(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL));
    wait_once(ep);
    CALL(epoll_ctl(ep, EPOLL_CTL_DEL, ends[0], NULL));
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, ends[0], &in));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, 77, &in));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &in));
    CALL(epoll_ctl(ends[0], EPOLL_CTL_ADD, 0, &in));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, open("/usr/bin/env", O_RDONLY), &in));
    CALL(epoll_wait(ep, &in, 0, 0));
    CALL(epoll_wait(77, &in, 1, 0));
    CALL(epoll_create(0));
    return 0;
}
