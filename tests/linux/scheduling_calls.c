/* sched_yield, affinity, priorities, names, getcpu. */
#include "test.h"
#include <sys/prctl.h>
#include <sys/resource.h>
int main(void) {
    cpu_set_t set, back;
    char name[16] = "";
    CALL(sched_yield());
    CALL(sched_getaffinity(0, sizeof set, &set));
    YES(CPU_COUNT(&set) >= 1);
    YES(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    YES(CPU_COUNT(&set) == sysconf(_SC_NPROCESSORS_ONLN));
    CALL(sched_setaffinity(0, sizeof set, &set));
    CALL(sched_getaffinity(0, sizeof back, &back));
    YES(CPU_EQUAL(&set, &back));
    CALL(sched_getaffinity(0, 1, &back));
    CALL(sched_getscheduler(0));
    struct sched_param parameter;
    CALL(sched_getparam(0, &parameter));
    CALL(parameter.sched_priority);
    CALL(sched_get_priority_max(SCHED_OTHER));
    CALL(getpriority(PRIO_PROCESS, 0));
    YES(CPU_ISSET(sched_getcpu(), &set));
    CALL(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
    CALL(prctl(PR_GET_NAME, name));
    puts(name);
    CALL(pthread_setname_np(pthread_self(), "short"));
    CALL(pthread_getname_np(pthread_self(), name, sizeof name));
    puts(name);
    CALL(prctl(PR_GET_DUMPABLE));
    CALL(prctl(12345));
    return 0;
}
