/* Stopping and going on: WUNTRACED, WCONTINUED, waitid, SIGCHLD with and without SA_NOCLDSTOP, SIGKILL of a stopped process.
 */
#include "test.h"
#include <sys/wait.h>


static volatile sig_atomic_t count;
static void counts(int signal) { count++; }

int main(void) {
    struct sigaction action = {.sa_handler = counts};
    MUST(sigaction(SIGCHLD, &action, NULL));
    int out[2], go[2];
    MUST(pipe(out));
    MUST(pipe(go));
    pid_t child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        (void)!write(out[1], "a", 1);
        /* Another stop would take back what the parent has not asked for yet. */
        char byte;
        while (read(go[0], &byte, 1) == -1 && errno == EINTR) {}
        raise(SIGSTOP);
        (void)!write(out[1], "b", 1);
        for (;;) pause();
    }
    int status;
    pid_t got;
    while ((got = waitpid(child, &status, WUNTRACED)) == -1 && errno == EINTR) {}
    YES(got == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CALL(waitpid(child, &status, WNOHANG | WUNTRACED));
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    char byte = '?';
    CALL(read(out[0], &byte, 1));
    fcntl(out[0], F_SETFL, 0);
    MUST(kill(child, SIGCONT));
    siginfo_t info;
    while (waitid(P_PID, (id_t)child, &info, WCONTINUED) == -1 && errno == EINTR) {}
    YES(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT && info.si_pid == child);
    while (read(out[0], &byte, 1) == -1 && errno == EINTR) {}
    printf("%c\n", byte);
    (void)!write(go[1], "g", 1);
    while (waitid(P_PID, (id_t)child, &info, WSTOPPED) == -1 && errno == EINTR) {}
    YES(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
    YES(count >= 1);
    action.sa_flags = SA_NOCLDSTOP;
    MUST(sigaction(SIGCHLD, &action, NULL));
    count = 0;
    MUST(kill(child, SIGCONT));
    while (waitpid(child, &status, WCONTINUED) == -1 && errno == EINTR) {}
    YES(WIFCONTINUED(status));
    while (read(out[0], &byte, 1) == -1 && errno == EINTR) {}
    printf("%c, %d signals\n", byte, (int)count);
    /* A stopped process keeps its signals until it goes on, but not SIGKILL. */
    MUST(kill(child, SIGSTOP));
    while (waitpid(child, &status, WUNTRACED) == -1 && errno == EINTR) {}
    MUST(kill(child, SIGTERM));
    CALL(waitpid(child, &status, WNOHANG));
    MUST(kill(child, SIGKILL));
    while (waitpid(child, &status, 0) == -1 && errno == EINTR) {}
    YES(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return 0;
}
