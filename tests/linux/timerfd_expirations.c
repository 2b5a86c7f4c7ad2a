/* timerfd: one shot, interval, disarming, absolute times. */
#include "test.h"
#include <poll.h>
#include <sys/timerfd.h>
int main(void) {
    uint64_t count = 0;
    int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    CALL(read(fd, &count, 8));
    struct itimerspec soon = {.it_value = {0, 10000000}}, now;
    CALL(timerfd_settime(fd, 0, &soon, NULL));
    CALL(timerfd_gettime(fd, &now));
    YES(now.it_value.tv_sec == 0 && now.it_value.tv_nsec <= 10000000 && now.it_interval.tv_nsec == 0);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    CALL(poll(&poller, 1, 5000));
    CALL(read(fd, &count, 8));
    CALL(count);
    CALL(read(fd, &count, 8));
    CALL(timerfd_gettime(fd, &now));
    YES(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
    soon.it_interval.tv_nsec = 5000000;
    CALL(timerfd_settime(fd, 0, &soon, NULL));
    test_sleep_ms(30);
    CALL(read(fd, &count, 8));
    YES(count >= 4);
    soon.it_value.tv_nsec = 0;
    CALL(timerfd_settime(fd, 0, &soon, &now));
    YES(now.it_interval.tv_nsec == 5000000);
    CALL(poll(&poller, 1, 20));
    int blocking = MUST(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC));
    struct itimerspec past = {.it_value = {1, 0}};
    CALL(timerfd_settime(blocking, TFD_TIMER_ABSTIME, &past, NULL));
    CALL(read(blocking, &count, 8));
    CALL(count);
    CALL(timerfd_create(77, 0));
    CALL(timerfd_create(CLOCK_MONOTONIC, 1));
    past.it_value.tv_nsec = -1;
    CALL(timerfd_settime(blocking, 0, &past, NULL));
    CALL(timerfd_settime(0, 0, &soon, NULL));
    CALL(read(blocking, &count, 4));
    return 0;
}
