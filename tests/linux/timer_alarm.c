/* alarm and setitimer interrupt a sleep and a busy loop.
 * test: variants dynamic musl
 */
#define TEST_NO_WATCHDOG
#include "test.h"
static volatile int ticks;
static void tick(int sig) { ticks++; }
int main(void) {
    struct sigaction act = {.sa_handler = tick};
    sigaction(SIGALRM, &act, NULL);
    sigaction(SIGVTALRM, &act, NULL);
    CALL(alarm(100));
    CALL(alarm(0) >= 99);
    struct itimerval soon = {.it_value = {.tv_usec = 10000}}, every = {{0, 2000}, {0, 2000}}, old, off = {0};
    CALL(setitimer(ITIMER_REAL, &soon, NULL));
    CALL(pause());
    CALL(ticks);
    CALL(setitimer(ITIMER_REAL, &every, NULL));
    while (ticks < 6) {}
    CALL(getitimer(ITIMER_REAL, &old));
    YES(old.it_interval.tv_usec == 2000);
    CALL(setitimer(ITIMER_REAL, &off, &old));
    YES(old.it_interval.tv_usec == 2000);
    int now = ticks;
    test_sleep_ms(10);
    YES(ticks == now);
    ticks = 0;
    CALL(setitimer(ITIMER_VIRTUAL, &soon, NULL));
    while (ticks == 0) {}
    CALL(ticks);
    CALL(setitimer(77, &soon, NULL));
    soon.it_value.tv_usec = 1000000;
    CALL(setitimer(ITIMER_REAL, &soon, NULL));
    CALL(alarm(1));
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    CALL(pause());
    YES(test_now_ns(CLOCK_MONOTONIC) - before > 900000000);
    return 0;
}
