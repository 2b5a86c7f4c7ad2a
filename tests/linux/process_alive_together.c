/* A parent with two threads and three children that all work at the same time and hand on a token by pipes: each has
 * private memory of its own and counts in memory that all share. */
#include "test.h"
#include <sys/wait.h>

enum { CHILDREN = 3, ROUNDS = 12 };

static int pipes[CHILDREN + 1][2];
static int own = 7;
static volatile long *shared;

static void *count(void *thread_own) {
    for (int round = 0; round < 40; round++) {
        __atomic_add_fetch(&shared[1], 1, __ATOMIC_SEQ_CST);
        ++*(int *)thread_own;
        sched_yield();
    }
    return NULL;
}

int main(void) {
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i <= CHILDREN; i++) MUST(pipe(pipes[i]));
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] != 0) continue;
        pthread_t thread;
        int counted = 0;
        pthread_create(&thread, NULL, count, &counted);
        char token;
        for (int round = 0; round < ROUNDS; round++) {
            if (read(pipes[i][0], &token, 1) != 1) _exit(90);
            own += token;
            shared[0]++;
            token++;
            if (write(pipes[i + 1][1], &token, 1) != 1) _exit(91);
        }
        pthread_join(thread, NULL);
        _exit(counted == 40 ? own & 63 : 92);
    }
    pthread_t thread;
    int counted = 0, sum = 0;
    pthread_create(&thread, NULL, count, &counted);
    for (int round = 0; round < ROUNDS; round++) {
        char token = (char)round;
        MUST(write(pipes[0][1], &token, 1));
        MUST(read(pipes[CHILDREN][0], &token, 1));
        sum += token;
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        YES(waitpid(children[i], &status, 0) == children[i]);
        printf("child %d: %d\n", i, WEXITSTATUS(status));
    }
    printf("sum %d, own %d, shared %ld %ld, counted %d\n", sum, own, shared[0], shared[1], counted);
    return 0;
}
