/* ioprio_set and ioprio_get: classes, levels, whom, and the documented errors.
 * test: needs root
 */
#include "test.h"
enum { NONE, REALTIME, BEST_EFFORT, IDLE };
static int of(int class, int level) { return class << 13 | level; }
static long set(int which, int who, int value) { return syscall(SYS_ioprio_set, which, who, value); }
static long get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }
int main(void) {
    CALL(get(1, 0));
    CALL(set(1, 0, of(BEST_EFFORT, 5)));
    CALL(get(1, 0));
    CALL(get(1, getpid()));
    CALL(set(1, 0, of(IDLE, 0)));
    CALL(get(1, 0));
    CALL(set(1, 0, of(REALTIME, 3)));
    CALL(get(1, 0));
    CALL(set(1, 0, of(NONE, 1)));
    CALL(set(1, 0, of(NONE, 0)));
    CALL(get(1, 0));
    CALL(set(1, 0, of(BEST_EFFORT, 8)));
    CALL(set(1, 0, of(4, 0)));
    CALL(set(4, 0, of(BEST_EFFORT, 1)));
    CALL(set(0, 0, of(BEST_EFFORT, 1)));
    CALL(set(1, 0x3ffffff0, of(BEST_EFFORT, 1)));
    CALL(get(4, 0));
    CALL(get(0, 0));
    CALL(get(1, 0x3ffffff0));
    setpgid(0, 0);
    CALL(set(2, 0, of(BEST_EFFORT, 2)));
    CALL(get(2, 0));
    CALL(get(2, 0x3ffffff0));
    CALL(set(3, 4000000, of(BEST_EFFORT, 2)));
    CALL(get(3, 4000000));
    MUST(setresuid(1000, 1000, 1000));
    CALL(set(1, 0, of(REALTIME, 3)));
    CALL(set(1, 0, of(IDLE, 0)));
    return 0;
}
