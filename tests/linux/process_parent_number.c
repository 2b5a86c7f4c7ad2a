/* What children take for their parent's number: one that it noted long ago, and one that it asked for just before the
 * fork, by a child that wants to be told of its end. */
#include "test.h"
#include <sys/prctl.h>
#include <sys/wait.h>

static int child_says(pid_t expected, bool death_signal) {
    if (death_signal && prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) return 2;
    return getppid() == expected ? 0 : 1;
}

int main(void) {
    pid_t noted = getpid();
    for (int round = 0; round < 6; round++) {
        bool asks_again = round % 2 == 1;
        pid_t expected = asks_again ? getpid() : noted;
        pid_t child = fork();
        if (child == 0) _exit(child_says(expected, asks_again));
        int status;
        YES(waitpid(child, &status, 0) == child && status == 0);
    }
    return 0;
}
