/* RLIMIT_CPU: SIGXCPU at the soft limit, and again each second; SIGKILL at the hard one.
 */
#include "test.h"
#include <sys/resource.h>
#include <sys/wait.h>
static volatile sig_atomic_t signals;
static void count(int signal) { (void)signal; signals++; }
int main(void) {
    struct rlimit limit = {1, 2};
    int status;
    if (fork() == 0) {
        signal(SIGXCPU, count);
        MUST(setrlimit(RLIMIT_CPU, &limit));
        while (signals == 0) {}
        write(1, "signal\n", 7);
        for (;;) {}
    }
    wait(&status);
    CALL(WTERMSIG(status));
    if (fork() == 0) {
        MUST(setrlimit(RLIMIT_CPU, &limit));
        for (;;) {}
    }
    wait(&status);
    CALL(WTERMSIG(status));
    return 0;
}
