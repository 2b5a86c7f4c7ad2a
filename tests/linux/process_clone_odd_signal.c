/* clone(2) takes any number of eight bits for the signal of the child's end: what is none is not sent. */
#include "test.h"
#include <sys/wait.h>
int main(void) {
    int numbers[] = {0, SIGCHLD, SIGUSR1, 64, 65, 100, 255};
    sigset_t all, pending;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        long pid = MUST(syscall(SYS_clone, numbers[i], 0, 0, 0, 0));
        if (pid == 0) _exit(3);
        int status = 0;
        long got = waitpid(pid, &status, __WALL);
        printf("signal %d: waited %s, status %x, pending", numbers[i], got == pid ? "yes" : "no", status);
        sigpending(&pending);
        for (int s = 1; s <= 64; s++)
            if (s != 32 && s != 33 && sigismember(&pending, s) == 1) printf(" %d", s);
        putchar('\n');
        struct timespec none = {0, 0};
        while (sigtimedwait(&all, NULL, &none) > 0) {}
    }
    return 0;
}
