/* What threads and children inherit: policy, nice value, affinity, slack of timers; and not with SCHED_RESET_ON_FORK.
 * test: needs root
 */
#include "test.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
static void show(const char *who) {
    struct sched_param p;
    cpu_set_t set;
    sched_getparam(0, &p);
    sched_getaffinity(0, sizeof set, &set);
    printf("%s: policy %x priority %d nice %d processors %d slack %d\n", who, sched_getscheduler(0), p.sched_priority,
           getpriority(PRIO_PROCESS, 0), CPU_COUNT(&set), prctl(PR_GET_TIMERSLACK));
}
static void *thread_shows(void *arg) { show("thread"); return arg; }
static void both(void) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    MUST(pthread_create(&thread, &attr, thread_shows, NULL));
    pthread_join(thread, NULL);
    pid_t child = MUST(fork());
    if (child == 0) { show("child"); _exit(0); }
    waitpid(child, NULL, 0);
}
int main(void) {
    struct sched_param p = {0};
    cpu_set_t set;
    both();
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    CALL(sched_setaffinity(0, sizeof set, &set));
    CALL(setpriority(PRIO_PROCESS, 0, 3));
    CALL(prctl(PR_SET_TIMERSLACK, 70000));
    CALL(sched_setscheduler(0, SCHED_BATCH, &p));
    both();
    p.sched_priority = 4;
    CALL(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p));
    show("main");
    both();
    p.sched_priority = 0;
    CALL(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p));
    CALL(setpriority(PRIO_PROCESS, 0, -5));
    both();
    return 0;
}
