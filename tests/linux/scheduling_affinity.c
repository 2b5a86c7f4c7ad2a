/* sched_setaffinity and getaffinity: what is set is answered, processors that are not there are left out, errors. */
#include "test.h"
int main(void) {
    cpu_set_t all, one, back;
    unsigned long large[64];
    MUST(sched_getaffinity(0, sizeof all, &all));
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    CALL(sched_setaffinity(0, sizeof one, &one));
    CALL(sched_getaffinity(0, sizeof back, &back));
    YES(CPU_EQUAL(&one, &back));
    CALL(sched_getcpu());
    memset(large, 255, sizeof large);
    CALL(sched_setaffinity(0, sizeof large, (cpu_set_t *)large));
    CALL(sched_getaffinity(0, sizeof back, &back));
    YES(CPU_EQUAL(&all, &back));
    CPU_ZERO(&one);
    CALL(sched_setaffinity(0, sizeof one, &one));
    CPU_SET(1000, &one);
    CALL(sched_setaffinity(0, sizeof one, &one));
    CALL(sched_setaffinity(0, 0, &one));
    CALL(sched_setaffinity(-1, sizeof all, &all));
    CALL(sched_setaffinity(0x3ffffff0, sizeof all, &all));
    CALL(sched_setaffinity(0, sizeof all, (void *)8));
    CALL(sched_getaffinity(0, 3, &back));
    CALL(sched_getaffinity(-1, sizeof back, &back));
    CALL(sched_getaffinity(0x3ffffff0, sizeof back, &back));
    CALL(sched_getaffinity(0, sizeof back, (void *)8));
    CALL(syscall(SYS_getcpu, NULL, NULL, NULL));
    CALL(syscall(SYS_getcpu, (void *)8, NULL, NULL));
    CALL(syscall(SYS_getcpu, NULL, (void *)8, NULL));
    return 0;
}
