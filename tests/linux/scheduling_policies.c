/* Policies and priorities of sched_setscheduler, sched_setparam and their refusals.
 * test: needs root
 */
#include "test.h"
static void show(void) {
    struct sched_param p = {-7};
    int policy = sched_getscheduler(0);
    MUST(sched_getparam(0, &p));
    printf("  policy %d%s, priority %d\n", policy & 0xff, policy & SCHED_RESET_ON_FORK ? " reset on fork" : "", p.sched_priority);
}
static long set(int policy, int priority) {
    struct sched_param p = {priority};
    return sched_setscheduler(0, policy, &p);
}
int main(void) {
    struct sched_param p = {0};
    show();
    CALL(set(SCHED_FIFO, 0));
    CALL(set(SCHED_FIFO, 100));
    CALL(set(SCHED_FIFO, -1));
    CALL(set(SCHED_OTHER, 1));
    CALL(set(SCHED_BATCH, 1));
    CALL(set(SCHED_IDLE, 1));
    CALL(set(4, 0));
    CALL(set(99, 0));
    CALL(set(-1, 0));
    CALL(set(6, 0));
    CALL(sched_setscheduler(0, SCHED_OTHER, NULL));
    CALL(sched_setscheduler(-1, SCHED_OTHER, &p));
    CALL(sched_setscheduler(0x3ffffff0, SCHED_OTHER, &p));
    CALL(sched_setscheduler(0, SCHED_OTHER, (void *)8));
    CALL(sched_getscheduler(-1));
    CALL(sched_getscheduler(0x3ffffff0));
    CALL(sched_getparam(0, NULL));
    CALL(sched_getparam(-1, &p));
    CALL(sched_getparam(0x3ffffff0, &p));
    CALL(sched_getparam(0, (void *)8));
    CALL(sched_setparam(0, NULL));
    CALL(sched_setparam(-1, &p));
    CALL(sched_setparam(0x3ffffff0, &p));
    show();
    CALL(set(SCHED_BATCH, 0));
    show();
    CALL(sched_setparam(0, &p));
    p.sched_priority = 3;
    CALL(sched_setparam(0, &p));
    CALL(set(SCHED_IDLE | SCHED_RESET_ON_FORK, 0));
    show();
    CALL(set(SCHED_OTHER, 0));
    CALL(set(SCHED_RR, 7));
    show();
    CALL(sched_setparam(0, &p));
    show();
    p.sched_priority = 0;
    CALL(sched_setparam(0, &p));
    struct timespec slice = {-1, -1};
    CALL(sched_rr_get_interval(0, &slice));
    printf("%ld %ld\n", (long)slice.tv_sec, slice.tv_nsec);
    CALL(set(SCHED_FIFO, 1));
    CALL(sched_rr_get_interval(0, &slice));
    printf("%ld %ld\n", (long)slice.tv_sec, slice.tv_nsec);
    CALL(set(SCHED_OTHER, 0));
    CALL(sched_rr_get_interval(0, &slice));
    YES(slice.tv_sec == 0 && slice.tv_nsec >= 0);
    CALL(sched_rr_get_interval(-1, &slice));
    CALL(sched_rr_get_interval(0x3ffffff0, &slice));
    CALL(sched_rr_get_interval(0, (void *)8));
    for (int policy = -1; policy < 9; policy++) {
        CALL(sched_get_priority_max(policy));
        CALL(sched_get_priority_min(policy));
    }
    show();
    return 0;
}
