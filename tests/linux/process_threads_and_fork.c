/* fork in a process with threads: the child has one; exit of a process with threads; atfork handlers.
 */
#include "test.h"
#include <sys/wait.h>


static int go[2];
static void *reads(void *unused) {
    char byte;
    (void)!read(go[0], &byte, 1);
    return NULL;
}
static void *forks(void *unused) {
    pid_t child = fork();
    if (child == 0) _exit(gettid() == getpid() ? 6 : 7);
    int status;
    waitpid(child, &status, 0);
    return (void *)(long)WEXITSTATUS(status);
}
static void prepare(void) { printf("prepare\n"); }
static void in_parent(void) { printf("parent\n"); }
static void *busy(void *unused) { for (;;) {} }

int main(void) {
    MUST(pipe(go));
    pthread_t reader = test_start(reads, NULL), forker = test_start(forks, NULL);
    void *result;
    pthread_join(forker, &result);
    printf("%ld\n", (long)result);
    pthread_atfork(prepare, in_parent, NULL);
    int status;
    pid_t child = fork();
    if (child == 0) {
        /* Threads of its own, one in user code, one waiting, when it exits. */
        pthread_t other = test_start(reads, NULL);
        test_start(busy, NULL);
        _exit(13);
    }
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 13);
    child = fork();
    if (child == 0) {
        test_start(busy, NULL);
        test_start(reads, NULL);
        pthread_exit(NULL);
    }
    MUST(kill(child, SIGKILL));
    YES(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL);
    (void)!write(go[1], "g", 1);
    pthread_join(reader, NULL);
    return 0;
}
