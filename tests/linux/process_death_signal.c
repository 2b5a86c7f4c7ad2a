/* PR_SET_PDEATHSIG: a child is told when its parent ends; fork and exec of what it means.
 */
#include "test.h"
#include <sys/wait.h>

#include <sys/prctl.h>

int main(void) {
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    int ready[2], status;
    MUST(pipe(ready));
    pid_t middle = fork();
    if (middle == 0) {
        pid_t inner = fork();
        if (inner == 0) {
            prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
            (void)!write(ready[1], "r", 1);
            for (;;) pause();
        }
        char byte;
        (void)!read(ready[0], &byte, 1);
        _exit(2);
    }
    YES(waitpid(middle, &status, 0) == middle && WEXITSTATUS(status) == 2);
    pid_t inner = wait(&status);
    YES(inner > 0 && inner != middle && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0));
    pid_t child = fork();
    if (child == 0) {
        int signal = 7;
        prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
        _exit(signal);
    }
    YES(waitpid(child, &status, 0) == child);
    printf("inherited: %d\n", WEXITSTATUS(status));
    return 0;
}
