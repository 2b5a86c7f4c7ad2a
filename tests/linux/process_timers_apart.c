/* Parent and child sleep, poll with a time-out, and have timers of their own, all at once. */
#include "test.h"
#include <poll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

static int wait_a_little(void) {
    struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    while (alarms < 3) pause();
    setitimer(ITIMER_REAL, &never, NULL);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec once = {{0, 0}, {0, 4000000}};
    timerfd_settime(timer, 0, &once, NULL);
    struct pollfd waits = {timer, POLLIN, 0};
    int ready = poll(&waits, 1, 20000);
    uint64_t count = 0;
    if (ready != 1 || read(timer, &count, 8) != 8) return 1;
    struct pollfd nothing = {-1, 0, 0};
    struct timespec short_time = {0, 5000000};
    if (poll(&nothing, 1, 5) != 0 || nanosleep(&short_time, NULL) != 0) return 2;
    return count == 1 ? 0 : 3;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    MUST(sigaction(SIGALRM, &action, NULL));
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(wait_a_little());
    }
    printf("parent %d\n", wait_a_little());
    for (int i = 0; i < 2; i++) {
        int status;
        YES(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    return 0;
}
