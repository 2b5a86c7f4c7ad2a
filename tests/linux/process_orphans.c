/* A grandchild whose parent ends gets another one; with PR_SET_CHILD_SUBREAPER that is its grandparent.
 */
#include "test.h"
#include <sys/wait.h>

#include <sys/prctl.h>

int main(void) {
    int say[2], go[2];
    char byte;
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    MUST(pipe(say));
    MUST(pipe(go));
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        int reaper = 7;
        prctl(PR_GET_CHILD_SUBREAPER, &reaper, 0, 0, 0);
        pid_t parent = getpid();
        if (fork() == 0) {
            close(go[1]);
            (void)!read(go[0], &byte, 1);
            byte = getppid() != parent && getppid() == self && reaper == 0 ? 'y' : 'n';
            (void)!write(say[1], &byte, 1);
            _exit(33);
        }
        _exit(0);
    }
    int status;
    YES(waitpid(child, &status, 0) == child && status == 0);
    close(go[1]);
    MUST(read(say[0], &byte, 1));
    printf("adopted: %c\n", byte);
    pid_t orphan = wait(&status);
    YES(orphan > 0 && orphan != child && WIFEXITED(status) && WEXITSTATUS(status) == 33);
    CALL(wait(&status));
    /* Without: process 1 or whoever does it outside; not us. */
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
    MUST(pipe(go));
    child = fork();
    if (child == 0) {
        if (fork() == 0) {
            close(go[1]);
            (void)!read(go[0], &byte, 1);
            byte = getppid() != self ? 'y' : 'n';
            (void)!write(say[1], &byte, 1);
            _exit(0);
        }
        _exit(0);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    close(go[1]);
    MUST(read(say[0], &byte, 1));
    printf("not ours: %c\n", byte);
    CALL(wait(&status));
    return 0;
}
