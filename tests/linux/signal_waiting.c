/* sigwait, sigtimedwait, sigsuspend and signalfd take signals without a handler or with one. */
#include "test.h"
#include <sys/signalfd.h>
static volatile int handled;
static void handler(int sig) { handled++; }
static pthread_t main_thread;
static void *send_later(void *sig) {
    test_sleep_ms(10);
    pthread_kill(main_thread, (int)(long)sig);
    return NULL;
}
int main(void) {
    sigset_t set, none;
    siginfo_t info;
    int sig;
    struct timespec zero = {0, 0}, brief = {0, 10000000};
    main_thread = pthread_self();
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    CALL(pthread_sigmask(SIG_BLOCK, &set, NULL));
    CALL(sigtimedwait(&set, &info, &zero));
    CALL(sigtimedwait(&set, &info, &brief));
    raise(SIGUSR2);
    CALL(sigtimedwait(&set, &info, &zero) == SIGUSR2);
    YES(info.si_signo == SIGUSR2 && (info.si_code == SI_TKILL || info.si_code == SI_USER) && info.si_pid == getpid());
    pthread_t thread = test_start(send_later, (void *)SIGUSR1);
    CALL(sigwait(&set, &sig));
    YES(sig == SIGUSR1);
    pthread_join(thread, NULL);
    union sigval value = {.sival_int = 4711};
    CALL(sigqueue(getpid(), SIGUSR1, value));
    CALL(sigwaitinfo(&set, &info) == SIGUSR1);
    YES(info.si_code == SI_QUEUE && info.si_value.sival_int == 4711);
    signal(SIGUSR2, handler);
    thread = test_start(send_later, (void *)SIGUSR2);
    CALL(sigsuspend(&none));
    CALL(handled);
    pthread_join(thread, NULL);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    YES(sigismember(&now, SIGUSR2));
    int fd = MUST(signalfd(-1, &set, SFD_NONBLOCK));
    struct signalfd_siginfo taken;
    CALL(read(fd, &taken, sizeof taken));
    raise(SIGUSR1);
    CALL(read(fd, &taken, sizeof taken));
    YES(taken.ssi_signo == SIGUSR1);
    CALL(read(fd, &taken, sizeof taken));
    return 0;
}
