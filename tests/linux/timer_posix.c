/* timer_create with a signal, a thread and nothing; overruns; refusals. */
#include "test.h"
static volatile int fired, value;
static void on_timer(int sig, siginfo_t *info, void *context) {
    fired++;
    if (info->si_code == SI_TIMER) value = info->si_value.sival_int;
}
static volatile int called;
static void in_thread(union sigval v) { called = v.sival_int; }
int main(void) {
    timer_t timer;
    struct sigaction act = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &act, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
    CALL(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec soon = {.it_value = {0, 5000000}}, now, off = {0};
    CALL(timer_settime(timer, 0, &soon, NULL));
    while (!fired) test_sleep_ms(1);
    CALL(value);
    CALL(timer_gettime(timer, &now));
    YES(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
    soon.it_interval.tv_nsec = 1000000;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CALL(timer_settime(timer, 0, &soon, NULL));
    test_sleep_ms(30);
    siginfo_t info;
    CALL(sigwaitinfo(&set, &info) == SIGRTMIN);
    YES(timer_getoverrun(timer) > 5);
    CALL(timer_settime(timer, 0, &off, &now));
    YES(now.it_interval.tv_nsec == 1000000);
    CALL(timer_delete(timer));
    struct sigevent thread = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_thread, .sigev_value.sival_int = 9};
    CALL(timer_create(CLOCK_REALTIME, &thread, &timer));
    soon.it_interval.tv_nsec = 0;
    CALL(timer_settime(timer, 0, &soon, NULL));
    while (!called) test_sleep_ms(1);
    CALL(called);
    CALL(timer_delete(timer));
    CALL(timer_create(99, NULL, &timer));
    CALL(syscall(SYS_timer_delete, 12345));
    return 0;
}
