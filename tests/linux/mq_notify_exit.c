/* A process that ends, or is killed, while it is to be told of a message: another one can ask then. */
#include "test.h"
#include <mqueue.h>
#include <sys/wait.h>
int main(void) {
    char name[] = "/catalyzer-mq-XXXXXX";
    snprintf(name, sizeof name, "/catalyzer-mq-%d", getpid());
    mqd_t queue = MUST(mq_open(name, O_RDWR | O_CREAT, 0600, NULL));
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    for (int how = 0; how < 3; how++) {
        int ends[2];
        MUST(pipe(ends));
        fflush(stdout);
        pid_t child = MUST(fork());
        if (child == 0) {
            char *words[] = {"true", NULL};
            printf("%d: %d\n", how, mq_notify(queue, &event));
            fflush(stdout);
            (void)!write(ends[1], "x", 1);
            if (how == 0) _exit(0);
            if (how == 1) pause();
            execv("/bin/true", words);
        }
        char byte;
        MUST(read(ends[0], &byte, 1));
        if (how == 1) CALL(mq_notify(queue, &event)), kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        CALL(mq_notify(queue, &event));
        CALL(mq_notify(queue, NULL));
        close(ends[0]), close(ends[1]);
    }
    mq_unlink(name);
    return 0;
}
