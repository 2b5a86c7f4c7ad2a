/* A process that ends with a signalfd in an epoll set, open or closed before. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int how = 0; how < 4; how++) {
        fflush(stdout);
        pid_t child = MUST(fork());
        if (child == 0) {
            int signals = signalfd(-1, &set, 0), epoll = epoll_create1(0), outer = epoll_create1(0);
            struct epoll_event event = {.events = EPOLLIN};
            MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &event));
            MUST(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event));
            if (how & 1) raise(SIGUSR1);
            if (how & 2) close(signals);
            printf("%d: %d ready\n", how, epoll_wait(outer, &event, 1, 0));
            exit(how);
        }
        int status;
        MUST(waitpid(child, &status, 0));
        printf("status %d\n", WEXITSTATUS(status));
    }
    return 0;
}
