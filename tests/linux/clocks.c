/* Clocks move on, sleeps last as long as asked, CPU clocks count work.
 * test: variants dynamic static musl
 */
#include "test.h"
#include <sys/times.h>
int main(void) {
    struct timespec at, resolution;
    clockid_t all[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                       CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
    for (int i = 0; i < 8; i++) {
        int got = clock_gettime(all[i], &at), known = clock_getres(all[i], &resolution);
        printf("clock %d: %d %d, in range %d %d\n", all[i], got, known, at.tv_nsec >= 0 && at.tv_nsec < 1000000000,
               resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    }
    CALL(clock_gettime(99, &at));
    CALL(clock_getres(99, &at));
    int64_t last = test_now_ns(CLOCK_MONOTONIC);
    int backwards = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t now = test_now_ns(CLOCK_MONOTONIC);
        backwards += now < last;
        last = now;
    }
    CALL(backwards);
    YES(test_now_ns(CLOCK_REALTIME) > 1600000000000000000);
    YES(time(NULL) - test_now_ns(CLOCK_REALTIME) / 1000000000 <= 1);
    struct timeval tv;
    CALL(gettimeofday(&tv, NULL));
    YES(labs(tv.tv_sec - time(NULL)) <= 1);
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    struct timespec ten = {0, 10000000}, bad = {0, -1}, until;
    CALL(nanosleep(&ten, NULL));
    YES(test_now_ns(CLOCK_MONOTONIC) - before >= 10000000);
    CALL(nanosleep(&bad, NULL));
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    CALL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
    YES(test_now_ns(CLOCK_MONOTONIC) >= until.tv_sec * 1000000000LL + until.tv_nsec);
    until.tv_sec = 1;
    CALL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
    YES(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ten, NULL) == EINVAL);
    YES(usleep(1000) == 0);
    int64_t cpu = test_now_ns(CLOCK_PROCESS_CPUTIME_ID), thread = test_now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (volatile int i = 0; i < 20000000; i++) {}
    YES(test_now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu > 1000000);
    YES(test_now_ns(CLOCK_THREAD_CPUTIME_ID) - thread > 1000000);
    struct tms t;
    YES(times(&t) > 0);
    YES(clock() > 0);
    return 0;
}
