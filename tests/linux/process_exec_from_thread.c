/* execve by a thread that is not the first: it takes the number of the process, all others end.
 */
#include "test.h"
#include <sys/wait.h>


static void *sleeps(void *unused) {
    for (;;) pause();
}

static void *executes(void *argument) {
    char **argv = argument;
    char number[16], self[PATH_MAX];
    snprintf(number, sizeof number, "%d", getpid());
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = 0;
    execl(self, argv[0], number, (char *)NULL);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        YES(atoi(argv[1]) == getpid() && gettid() == getpid());
        return 8;
    }
    pid_t child = fork();
    if (child == 0) {
        test_start(sleeps, NULL);
        test_start(sleeps, NULL);
        test_start(executes, argv);
        for (;;) pause();
    }
    int status;
    YES(waitpid(child, &status, 0) == child);
    printf("%d\n", WEXITSTATUS(status));
    return 0;
}
