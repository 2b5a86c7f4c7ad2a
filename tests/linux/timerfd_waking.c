/* A timerfd wakes blocked readers, poll and epoll; periodic ones count what was missed. */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
static int fd;
static void *reader(void *arg) {
    static uint64_t count;
    return read(fd, &count, 8) == 8 ? &count : NULL;
}
int main(void) {
    uint64_t count;
    struct itimerspec once = {.it_value = {0, 2000000}}, often = {{0, 1000000}, {0, 1000000}};
    fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
    MUST(timerfd_settime(fd, 0, &once, NULL));
    CALL(read(fd, &count, 8));
    CALL(count);
    pthread_t thread = test_start(reader, NULL);
    MUST(timerfd_settime(fd, 0, &once, NULL));
    void *result;
    pthread_join(thread, &result);
    CALL(*(uint64_t *)result);
    int set = MUST(epoll_create1(0));
    struct epoll_event e = {.events = EPOLLIN | EPOLLET}, got;
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
    CALL(epoll_wait(set, &got, 1, 0));
    MUST(timerfd_settime(fd, 0, &once, NULL));
    CALL(epoll_wait(set, &got, 1, 5000));
    CALL(epoll_wait(set, &got, 1, 0));
    MUST(timerfd_settime(fd, 0, &often, NULL));
    test_sleep_ms(12);
    CALL(read(fd, &count, 8));
    YES(count >= 10);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CALL(poll(&p, 1, 5000));
    MUST(timerfd_settime(fd, 0, &(struct itimerspec){{0, 0}, {0, 0}}, NULL));
    CALL(poll(&p, 1, 0));
    return 0;
}
