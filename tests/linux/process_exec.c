/* execve: arguments and environment, descriptors with and without close-on-exec, what stays: number, mask, ignored signals, pending ones.
 */
#include "test.h"
#include <sys/wait.h>


static int again(char **argv) {
    sigset_t mask, pending;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    struct sigaction action;
    YES(atoi(argv[2]) == getpid());
    YES(fcntl(atoi(argv[3]), F_GETFD) == 0);
    CALL(fcntl(atoi(argv[4]), F_GETFD));
    YES(sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGUSR2) == 0);
    YES(sigismember(&pending, SIGUSR1) == 1);
    YES(sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    YES(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    printf("%s %s\n", getenv("GREETING"), getenv("HOME") ? "home" : "no home");
    char here[64];
    YES(getcwd(here, sizeof here) && !strcmp(here, "/tmp"));
    YES(umask(0) == 027);
    return 17;
}

static void nothing(int signal) {}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "again")) return again(argv);
    int kept = open("/dev/null", O_RDONLY), lost = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char numbers[3][16];
    CALL(execl("/nowhere", "x", (char *)NULL));
    pid_t child = fork();
    if (child == 0) {
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGUSR1);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        signal(SIGHUP, SIG_IGN);
        signal(SIGUSR2, nothing);
        raise(SIGUSR1);
        umask(027);
        MUST(chdir("/tmp"));
        snprintf(numbers[0], 16, "%d", getpid());
        snprintf(numbers[1], 16, "%d", kept);
        snprintf(numbers[2], 16, "%d", lost);
        char *env[] = {"GREETING=hi", NULL};
        char self[PATH_MAX];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        self[len > 0 ? len : 0] = 0;
        execle(self, argv[0], "again", numbers[0], numbers[1], numbers[2], (char *)NULL, env);
        _exit(99);
    }
    int status;
    YES(waitpid(child, &status, 0) == child);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
