/* Process groups and sessions: who may change what.
 */
#include "test.h"
#include <sys/wait.h>


static int go[2], say[2];

int main(void) {
    MUST(pipe(go));
    MUST(pipe(say));
    char byte;
    pid_t child = fork();
    if (child == 0) {
        (void)!read(go[0], &byte, 1);
        byte = getpgrp() == getpid();
        (void)!write(say[1], &byte, 1);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    YES(getpgid(child) == getpgrp());
    YES(getsid(child) == getsid(0));
    CALL(setpgid(child, child));
    YES(getpgid(child) == child);
    (void)!write(go[1], "g", 1);
    MUST(read(say[0], &byte, 1));
    printf("%d\n", byte);
    CALL(setpgid(child, getpgrp()));
    CALL(setpgid(child, 999999));
    CALL(setpgid(999999, 0));
    CALL(setpgid(0, -1));
    CALL(getpgid(999999));
    CALL(getsid(999999));
    /* Into a group of another session. */
    pid_t leader = fork();
    if (leader == 0) {
        byte = setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid();
        byte += setsid() == -1 && errno == EPERM;
        byte += setpgid(0, 0) == -1 && errno == EPERM;
        (void)!write(say[1], &byte, 1);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    MUST(read(say[0], &byte, 1));
    printf("%d\n", byte);
    CALL(setpgid(child, leader));
    CALL(setpgid(leader, 0));
    (void)!write(go[1], "gg", 2);
    YES(waitpid(child, NULL, 0) == child);
    YES(waitpid(leader, NULL, 0) == leader);
    /* After exec a child may not be moved any more. */
    int report[2];
    MUST(pipe2(report, O_CLOEXEC));
    child = fork();
    if (child == 0) {
        dup2(go[0], 0);
        execl("/bin/sh", "sh", "-c", "read line; exit 0", (char *)NULL);
        _exit(1);
    }
    close(report[1]);
    (void)!read(report[0], &byte, 1);
    CALL(setpgid(child, child));
    (void)!write(go[1], "\n", 1);
    int status;
    YES(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
