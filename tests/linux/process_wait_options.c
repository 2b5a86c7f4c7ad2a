/* waitpid with WNOHANG, by group, by number; waitid with WNOWAIT; wrong arguments.
 */
#include "test.h"
#include <sys/wait.h>


static int go[2];

static pid_t child_that_waits(int status) {
    pid_t child = fork();
    if (child == 0) {
        char byte;
        (void)!read(go[0], &byte, 1);
        _exit(status);
    }
    return child;
}

int main(void) {
    MUST(pipe(go));
    pid_t child = child_that_waits(9);
    int status = 0;
    CALL(waitpid(child, &status, WNOHANG));
    CALL(waitpid(-1, &status, WNOHANG));
    CALL(waitpid(0, &status, WNOHANG));
    CALL(waitpid(-getpgrp(), &status, WNOHANG));
    CALL(waitpid(-999999, &status, 0));
    CALL(waitpid(999999, &status, 0));
    CALL(waitpid(child, &status, 0x1000));
    siginfo_t info;
    memset(&info, 0xff, sizeof info);
    CALL(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG));
    YES(info.si_pid == 0 && info.si_signo == 0);
    CALL(waitid(P_PID, (id_t)child, &info, 0));
    CALL(waitid(P_PID, 0, &info, WEXITED));
    CALL(waitid((idtype_t)17, (id_t)child, &info, WEXITED));
    if (write(go[1], "g", 1) != 1) MUST(-1);
    for (int i = 0; i < 2; i++) {
        CALL(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
        YES(info.si_signo == SIGCHLD && info.si_pid == child && info.si_code == CLD_EXITED && info.si_status == 9);
        YES(info.si_uid == getuid());
    }
    YES(waitpid(-getpgrp(), &status, 0) == child);
    printf("%d\n", WEXITSTATUS(status));
    CALL(waitid(P_ALL, 0, &info, WEXITED));
    /* By group. */
    pid_t other = child_that_waits(3);
    MUST(setpgid(other, other));
    child = child_that_waits(4);
    if (write(go[1], "go", 2) != 2) MUST(-1);
    YES(waitpid(-other, &status, 0) == other);
    printf("%d\n", WEXITSTATUS(status));
    YES(waitpid(0, &status, 0) == child);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
