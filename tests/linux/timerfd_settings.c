/* timerfd: what settings answer, absolute times of the past, intervals, wrong arguments, cancel-on-set's rules. */
#include "test.h"
#include <sys/timerfd.h>
int main(void) {
    struct itimerspec set = {.it_value = {100, 0}, .it_interval = {7, 5}}, got;
    uint64_t count;
    int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    CALL(timerfd_gettime(fd, &got));
    CALL(got.it_value.tv_sec + got.it_value.tv_nsec + got.it_interval.tv_sec);
    CALL(timerfd_settime(fd, 0, &set, NULL));
    CALL(timerfd_gettime(fd, &got));
    YES(got.it_value.tv_sec >= 90 && got.it_value.tv_sec <= 100);
    CALL(got.it_interval.tv_sec * 10 + got.it_interval.tv_nsec);
    CALL(read(fd, &count, 8));
    CALL(read(fd, &count, 7));
    set = (struct itimerspec){.it_value = {0, 1}};
    CALL(timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, &got));
    YES(got.it_value.tv_sec >= 80);
    CALL(read(fd, &count, 8));
    CALL(count);
    CALL(timerfd_gettime(fd, &got));
    CALL(got.it_value.tv_sec + got.it_value.tv_nsec);
    set = (struct itimerspec){{0, 0}, {0, 0}};
    CALL(timerfd_settime(fd, 0, &set, NULL));
    CALL(read(fd, &count, 8));
    set.it_value.tv_nsec = 1000000000;
    CALL(timerfd_settime(fd, 0, &set, NULL));
    set.it_value.tv_nsec = -1;
    CALL(timerfd_settime(fd, 0, &set, NULL));
    set.it_value = (struct timespec){-1, 0};
    CALL(timerfd_settime(fd, 0, &set, NULL));
    set.it_value = (struct timespec){1, 0}, set.it_interval.tv_nsec = -1;
    CALL(timerfd_settime(fd, 0, &set, NULL));
    set.it_interval.tv_nsec = 0;
    CALL(timerfd_settime(fd, 0x77, &set, NULL));
    CALL(timerfd_settime(0, 0, &set, NULL));
    CALL(timerfd_settime(99, 0, &set, NULL));
    CALL(timerfd_settime(fd, 0, NULL, NULL));
    CALL(timerfd_settime(fd, 0, &set, (void *)8));
    CALL(timerfd_gettime(0, &got));
    CALL(timerfd_gettime(fd, NULL));
    CALL(timerfd_create(77, 0));
    CALL(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    CALL(timerfd_create(CLOCK_MONOTONIC, 0x77));
    int real = MUST(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
    set = (struct itimerspec){.it_value = {4000000000, 0}};
    CALL(timerfd_settime(real, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL));
    CALL(read(real, &count, 8));
    CALL(timerfd_settime(real, TFD_TIMER_CANCEL_ON_SET, &set, NULL));
    CALL(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &set, NULL));
    CALL(write(fd, &count, 8));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(timerfd_create(CLOCK_BOOTTIME, 0) > 0);
    return 0;
}
