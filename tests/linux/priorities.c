/* getpriority, setpriority and nice: of processes, groups and users; without privileges only downwards.
 * test: needs root
 */
#include "test.h"
#include <sys/resource.h>
int main(void) {
    struct rlimit limit = {0, 0};
    CALL(getpriority(PRIO_PROCESS, 0));
    CALL(getpriority(3, 0));
    CALL(getpriority(-1, 0));
    CALL(getpriority(PRIO_PROCESS, 0x3ffffff0));
    CALL(getpriority(PRIO_PROCESS, -1));
    CALL(getpriority(PRIO_PGRP, 0x3ffffff0));
    CALL(getpriority(PRIO_USER, 4000000));
    CALL(setpriority(3, 0, 0));
    CALL(setpriority(PRIO_PROCESS, 0x3ffffff0, 0));
    CALL(setpriority(PRIO_PROCESS, -1, 0));
    CALL(setpriority(PRIO_USER, 4000000, 0));
    CALL(setpriority(PRIO_PROCESS, 0, 7));
    CALL(getpriority(PRIO_PROCESS, 0));
    CALL(setpriority(PRIO_PROCESS, getpid(), 100));
    CALL(getpriority(PRIO_PROCESS, getpid()));
    CALL(setpriority(PRIO_PROCESS, 0, -100));
    errno = 0;
    int value = getpriority(PRIO_PROCESS, 0);
    printf("%d, errno %d\n", value, errno);
    setpgid(0, 0);
    CALL(setpriority(PRIO_PGRP, 0, 4));
    CALL(getpriority(PRIO_PGRP, 0));
    CALL(getpriority(PRIO_PGRP, getpgrp()));
    CALL(nice(3));
    CALL(getpriority(PRIO_PROCESS, 0));
    CALL(setrlimit(RLIMIT_NICE, &limit));
    MUST(setresuid(1000, 1000, 1000));
    CALL(setpriority(PRIO_PROCESS, 0, 6));
    CALL(setpriority(PRIO_PROCESS, 0, 7));
    CALL(setpriority(PRIO_PROCESS, 0, 9));
    CALL(setpriority(PRIO_PROCESS, 0, 8));
    CALL(nice(-1));
    CALL(getpriority(PRIO_USER, 0));
    CALL(getpriority(PRIO_USER, 1000));
    struct sched_param p = {1};
    CALL(sched_setscheduler(0, SCHED_FIFO, &p));
    p.sched_priority = 0;
    CALL(sched_setscheduler(0, SCHED_BATCH, &p));
    CALL(sched_setscheduler(0, SCHED_IDLE, &p));
    CALL(sched_setscheduler(0, SCHED_OTHER, &p));
    CALL(sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &p));
    CALL(sched_setscheduler(0, SCHED_IDLE, &p));
    return 0;
}
