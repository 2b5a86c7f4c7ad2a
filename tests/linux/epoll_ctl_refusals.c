/* The documented errors of epoll_create, epoll_ctl and epoll_wait. */
#include "test.h"
#include <sys/epoll.h>
int main(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1}, got[2];
    int p[2], file, set, other;
    CALL(epoll_create(0));
    CALL(epoll_create(-1));
    CALL(epoll_create1(1));
    MUST(pipe(p));
    set = MUST(epoll_create1(EPOLL_CLOEXEC));
    other = MUST(epoll_create(1));
    file = MUST(open("/proc/self/exe", O_RDONLY));
    CALL(fcntl(set, F_GETFD));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, file, &event));
    int dir = MUST(open("/", O_RDONLY | O_DIRECTORY));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, dir, &event));
    CALL(epoll_ctl(-1, EPOLL_CTL_ADD, p[0], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, -1, &event));
    CALL(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, set, &event));
    CALL(epoll_ctl(set, 77, p[0], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_MOD, p[0], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, p[0], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, p[0], NULL));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event));
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, p[0], NULL));
    CALL(epoll_ctl(set, EPOLL_CTL_DEL, p[0], NULL));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, other, &event));
    CALL(epoll_ctl(other, EPOLL_CTL_ADD, set, &event));
    CALL(epoll_wait(-1, got, 1, 0));
    CALL(epoll_wait(p[0], got, 1, 0));
    CALL(epoll_wait(set, got, 0, 0));
    CALL(epoll_wait(set, got, -1, 0));
    CALL(epoll_wait(set, got, INT_MAX, 0));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, p[1], &(struct epoll_event){.events = EPOLLOUT}));
    CALL(epoll_wait(set, (void *)16, 1, 0));
    CALL(epoll_wait(set, got, 1, 0));
    CALL(read(set, got, sizeof got));
    CALL(write(set, got, sizeof got));
    CALL(lseek(set, 0, SEEK_SET));
    return 0;
}
