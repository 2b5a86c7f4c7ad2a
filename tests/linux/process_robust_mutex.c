/* Process-shared robust mutexes, with and without priority inheritance, whose owner is killed: who waits gets EOWNERDEAD.
 */
#include "test.h"
#include <sys/wait.h>
static void try(int protocol) {
    struct { pthread_mutex_t mutex; volatile int held; } *shared =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    CALL(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    CALL(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
    CALL(pthread_mutexattr_setprotocol(&attr, protocol));
    CALL(pthread_mutex_init(&shared->mutex, &attr));
    pid_t owner = MUST(fork()), waiter;
    if (owner == 0) {
        pthread_mutex_lock(&shared->mutex);
        shared->held = 1;
        for (;;) pause();
    }
    while (!shared->held) sched_yield();
    if ((waiter = MUST(fork())) == 0) {
        int error = pthread_mutex_lock(&shared->mutex);
        if (error == EOWNERDEAD) pthread_mutex_consistent(&shared->mutex);
        pthread_mutex_unlock(&shared->mutex);
        _exit(error);
    }
    while (!(__atomic_load_n(&shared->mutex.__data.__lock, __ATOMIC_SEQ_CST) & 0x80000000)) sched_yield();
    int status;
    MUST(kill(owner, SIGKILL));
    MUST(waitpid(owner, &status, 0));
    YES(WTERMSIG(status) == SIGKILL);
    MUST(waitpid(waiter, &status, 0));
    YES(WEXITSTATUS(status) == EOWNERDEAD);
    CALL(pthread_mutex_lock(&shared->mutex));
    CALL(pthread_mutex_unlock(&shared->mutex));
}
int main(void) {
    try(PTHREAD_PRIO_NONE);
    try(PTHREAD_PRIO_INHERIT);
    return 0;
}
