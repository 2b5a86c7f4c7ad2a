/* clone by hand: shared memory without waiting, shared descriptors, clone children and __WCLONE, CLONE_PARENT, refused flags.
 */
#include "test.h"
#include <sys/wait.h>


static char stack[65536] __attribute__((aligned(16)));
static volatile int shared;

static int sets(void *argument) {
    shared = *(int *)argument;
    return 11;
}
static int closes(void *argument) {
    close(*(int *)argument);
    return 12;
}

int main(void) {
    int value = 41, status;
    pid_t child = MUST(clone(sets, stack + sizeof stack, CLONE_VM | SIGCHLD, &value));
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 11);
    printf("%d\n", shared);
    int fd = dup(1);
    child = MUST(clone(closes, stack + sizeof stack, CLONE_FILES | SIGCHLD, &fd));
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 12);
    CALL(fcntl(fd, F_GETFD));
    fd = dup(1);
    child = MUST(clone(closes, stack + sizeof stack, SIGCHLD, &fd));
    waitpid(child, &status, 0);
    CALL(fcntl(fd, F_GETFD));
    /* Without SIGCHLD. */
    child = MUST(clone(sets, stack + sizeof stack, 0, &value));
    CALL(waitpid(child, &status, 0));
    YES(waitpid(child, &status, __WALL) == child);
    signal(SIGUSR1, SIG_IGN);
    child = MUST(clone(sets, stack + sizeof stack, SIGUSR1 | CLONE_VM | CLONE_VFORK, &value));
    CALL(waitpid(-1, &status, WNOHANG));
    YES(waitpid(-1, &status, __WCLONE) == child && WEXITSTATUS(status) == 11);
    /* A sibling. */
    int say[2];
    MUST(pipe(say));
    child = fork();
    if (child == 0) {
        pid_t parent = getppid();
        pid_t sibling = clone(sets, stack + sizeof stack, CLONE_PARENT | SIGCHLD, &value);
        int own = waitpid(sibling, &status, 0) == -1 && errno == ECHILD;
        (void)!write(say[1], &sibling, sizeof sibling);
        _exit(own ? 0 : 1);
    }
    pid_t sibling;
    MUST(read(say[0], &sibling, sizeof sibling));
    YES(waitpid(child, &status, 0) == child && status == 0);
    YES(waitpid(sibling, &status, 0) == sibling && WEXITSTATUS(status) == 11);
    errno = 0;
    YES(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0) == -1 && errno == EINVAL);
    YES(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0) == -1 && errno == EINVAL);
    return 0;
}
