/* With fewer places than ready members, every member is reported in turn. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
int main(void) {
    enum { N = 10 };
    int set = MUST(epoll_create1(0)), seen[N] = {0};
    struct epoll_event got[3];
    for (uint32_t i = 0; i < N; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        MUST(epoll_ctl(set, EPOLL_CTL_ADD, MUST(eventfd(1, 0)), &e));
    }
    for (int round = 0; round < 10; round++) {
        int n = epoll_wait(set, got, 3, 0);
        printf("%d:", n);
        for (int i = 0; i < n; i++) printf(" %u", got[i].data.u32), seen[got[i].data.u32]++;
        puts("");
    }
    for (int i = 0; i < N; i++) CALL(seen[i]);
    return 0;
}
