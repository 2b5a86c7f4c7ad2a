/* prctl: flags and numbers that are set and read back, and what is refused.
 * test: needs root
 */
#include "test.h"
#include <sys/prctl.h>
#ifndef PR_GET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#endif
int main(void) {
    int value = -1;
    CALL(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    CALL(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    CALL(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    CALL(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    CALL(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
    CALL(prctl(PR_SET_DUMPABLE, -1, 0, 0, 0));
    CALL(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    CALL(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
    CALL(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0));
    CALL(prctl(PR_SET_PDEATHSIG, -1, 0, 0, 0));
    CALL(prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0));
    CALL(prctl(PR_GET_PDEATHSIG, &value, 0, 0, 0));
    CALL(value);
    CALL(prctl(PR_GET_PDEATHSIG, 8, 0, 0, 0));
    CALL(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
    CALL(prctl(PR_SET_CHILD_SUBREAPER, 7, 0, 0, 0));
    CALL(prctl(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0));
    CALL(value);
    CALL(prctl(PR_GET_CHILD_SUBREAPER, 8, 0, 0, 0));
    CALL(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    CALL(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    CALL(prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0));
    CALL(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    CALL(prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0));
    CALL(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    CALL(prctl(PR_GET_TIMING, 0, 0, 0, 0));
    CALL(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL, 0, 0, 0));
    CALL(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP, 0, 0, 0));
    CALL(prctl(PR_GET_TSC, &value, 0, 0, 0));
    CALL(value);
    CALL(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
    CALL(prctl(PR_SET_TSC, 7, 0, 0, 0));
    CALL(prctl(PR_GET_UNALIGN, &value, 0, 0, 0));
    CALL(prctl(PR_SET_UNALIGN, 1, 0, 0, 0));
    CALL(prctl(PR_GET_FPEMU, &value, 0, 0, 0));
    CALL(prctl(PR_GET_FPEXC, &value, 0, 0, 0));
    CALL(prctl(PR_GET_ENDIAN, &value, 0, 0, 0));
    CALL(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    CALL(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    CALL(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    CALL(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 1));
    CALL(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
    CALL(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    CALL(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    CALL(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
    CALL(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
    CALL(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    CALL(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 9, 0, 0));
    CALL(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
    CALL(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
    CALL(prctl(PR_MCE_KILL, 7, 0, 0, 0));
    CALL(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    CALL(prctl(PR_SET_NAME, 8, 0, 0, 0));
    CALL(prctl(PR_GET_NAME, 8, 0, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0));
    CALL(prctl(66 /* GET_MDWE */, 0, 0, 0, 0));
    CALL(prctl(66 /* GET_MDWE */, 1, 0, 0, 0));
    CALL(prctl(99999, 0, 0, 0, 0));
    CALL(prctl(-1, 0, 0, 0, 0));
    return 0;
}
