/* Sets within sets: loops and chains that are too long are refused, five levels work. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
int main(void) {
    enum { N = 8 };
    int sets[N], event = MUST(eventfd(0, EFD_NONBLOCK));
    struct epoll_event in = {.events = EPOLLIN}, got;
    for (int i = 0; i < N; i++) sets[i] = MUST(epoll_create1(0));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, event, &in));
    for (int i = 1; i < N; i++) {
        printf("level %d: ", i);
        CALL(epoll_ctl(sets[i], EPOLL_CTL_ADD, sets[i - 1], &in));
    }
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[1], &in));
    CALL(epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[3], &in));
    CALL(epoll_ctl(sets[1], EPOLL_CTL_ADD, sets[0], &in));
    CALL(epoll_wait(sets[3], &got, 1, 0));
    CALL(eventfd_write(event, 1));
    for (int i = 0; i < 5; i++) CALL(epoll_wait(sets[i], &got, 1, 0));
    eventfd_t value;
    CALL(eventfd_read(event, &value));
    for (int i = 4; i >= 0; i--) CALL(epoll_wait(sets[i], &got, 1, 0));
    CALL(eventfd_write(event, 1));
    CALL(close(sets[0]));
    CALL(epoll_wait(sets[1], &got, 1, 0));
    return 0;
}
