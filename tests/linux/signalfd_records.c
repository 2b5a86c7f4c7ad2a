/* signalfd: what a record says of who sent the signal, several records in one read, standard signals merge. */
#include "test.h"
#include <sys/signalfd.h>
int main(void) {
    sigset_t set;
    struct signalfd_siginfo r[4];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2), sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = MUST(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    CALL(read(fd, r, sizeof r));
    kill(getpid(), SIGUSR1), kill(getpid(), SIGUSR1);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6});
    pthread_kill(pthread_self(), SIGUSR2);
    ssize_t n = read(fd, r, sizeof r);
    CALL(n / (ssize_t)sizeof *r);
    for (int i = 0; i < n / (ssize_t)sizeof *r; i++)
        printf("%u %s code %d value %d mine %d\n", r[i].ssi_signo >= 32 ? r[i].ssi_signo - SIGRTMIN : r[i].ssi_signo,
               r[i].ssi_signo >= 32 ? "real-time" : "standard", r[i].ssi_code, r[i].ssi_int, r[i].ssi_pid == (uint32_t)getpid());
    CALL(read(fd, r, sizeof r));
    raise(SIGUSR1);
    CALL(read(fd, r, sizeof *r - 1));
    CALL(read(fd, r, 2 * sizeof *r - 1) == sizeof *r);
    CALL(write(fd, r, sizeof *r));
    sigemptyset(&set), sigaddset(&set, SIGUSR2);
    CALL(signalfd(fd, &set, 0) == fd);
    raise(SIGUSR1), raise(SIGUSR2);
    CALL(read(fd, r, sizeof r) == sizeof *r);
    CALL(r[0].ssi_signo == SIGUSR2);
    CALL(signalfd(-1, &set, 0x77));
    CALL(signalfd(99, &set, 0));
    CALL(signalfd(0, &set, 0));
    CALL(syscall(SYS_signalfd4, -1, &set, 4, 0));
    CALL(syscall(SYS_signalfd4, -1, (void *)8, 8, 0));
    return 0;
}
