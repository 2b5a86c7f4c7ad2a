/* sched_setattr and sched_getattr: sizes, flags, nice values, deadlines and the documented errors.
 * test: needs root
 */
#include "test.h"
#include <sys/resource.h>
struct attributes { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t low, high; char more[16]; };
static long set(int pid, void *a, unsigned flags) { return syscall(SYS_sched_setattr, pid, a, flags); }
static long get(int pid, void *a, unsigned size, unsigned flags) { return syscall(SYS_sched_getattr, pid, a, size, flags); }
static void show(void) {
    struct attributes a;
    memset(&a, 0, sizeof a);
    if (CALL(get(0, &a, 48, 0)) == 0)
        printf("  size %u policy %u flags %lu nice %d priority %u deadline %lu\n", a.size, a.policy, (long)a.flags, a.nice,
               a.priority, a.policy == 6 ? (long)a.deadline : 0);
}
int main(void) {
    struct attributes a = {.size = 48};
    show();
    CALL(get(0, &a, 47, 0));
    CALL(get(0, &a, 4097, 0));
    CALL(get(0, &a, 48, 1));
    CALL(get(-1, &a, 48, 0));
    CALL(get(0x3ffffff0, &a, 48, 0));
    CALL(get(0, NULL, 48, 0));
    CALL(get(0, (void *)8, 48, 0));
    memset(&a, 0x55, sizeof a);
    CALL(get(0, &a, sizeof a, 0));
    YES(a.size <= sizeof a && a.size >= 48);
    a = (struct attributes){.size = 48, .nice = 5};
    CALL(set(0, &a, 0));
    show();
    CALL(getpriority(PRIO_PROCESS, 0));
    a.nice = 100;
    CALL(set(0, &a, 0));
    show();
    a.nice = -100;
    CALL(set(0, &a, 0));
    show();
    a.nice = 0, a.size = 0;
    CALL(set(0, &a, 0));
    a.size = 40;
    CALL(set(0, &a, 0));
    YES(a.size == 56);
    a.size = 5000;
    CALL(set(0, &a, 0));
    a.size = 72;
    CALL(set(0, &a, 0));
    a.more[3] = 1;
    CALL(set(0, &a, 0));
    a = (struct attributes){.size = 48};
    CALL(set(0, &a, 1));
    CALL(set(-1, &a, 0));
    CALL(set(0x3ffffff0, &a, 0));
    CALL(set(0, NULL, 0));
    CALL(set(0, (void *)8, 0));
    a.policy = 99;
    CALL(set(0, &a, 0));
    a.policy = -1;
    CALL(set(0, &a, 0));
    a.policy = SCHED_FIFO;
    CALL(set(0, &a, 0));
    a.priority = 5;
    CALL(set(0, &a, 0));
    show();
    a.policy = SCHED_OTHER;
    CALL(set(0, &a, 0));
    a.priority = 0, a.flags = 1;
    CALL(set(0, &a, 0));
    show();
    a.flags = 1 << 12;
    CALL(set(0, &a, 0));
    a.flags = 8, a.policy = 77, a.nice = 3;
    CALL(set(0, &a, 0));
    show();
    a.flags = 16, a.policy = SCHED_BATCH, a.nice = 9;
    CALL(set(0, &a, 0));
    show();
    a = (struct attributes){.size = 48, .policy = 6};
    CALL(set(0, &a, 0));
    a.runtime = 100, a.deadline = 1000, a.period = 1000;
    CALL(set(0, &a, 0));
    a.runtime = 3000000, a.deadline = 2000000, a.period = 4000000;
    CALL(set(0, &a, 0));
    a.runtime = 1000000, a.deadline = 5000000, a.period = 4000000;
    CALL(set(0, &a, 0));
    a = (struct attributes){.size = 48, .nice = 0};
    CALL(set(0, &a, 0));
    show();
    return 0;
}
