/* RLIMIT_NPROC: fork and pthread_create answer EAGAIN, but not for root.
 * test: needs root
 */
#include "test.h"
#include <sys/resource.h>
#include <sys/wait.h>
static void *nothing(void *arg) { return arg; }
int main(void) {
    struct rlimit limit = {0, 0};
    pthread_t thread;
    MUST(setrlimit(RLIMIT_NPROC, &limit));
    pid_t child = MUST(fork());
    if (child == 0) _exit(0);
    CALL(waitpid(child, NULL, 0) == child);
    MUST(setresuid(54321, 54321, 54321));
    CALL(fork());
    YES(pthread_create(&thread, NULL, nothing, NULL) == EAGAIN);
    return 0;
}
