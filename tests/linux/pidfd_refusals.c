/* The documented errors of pidfd_open, pidfd_send_signal, pidfd_getfd and waitid(P_PIDFD).
 */
#include "test.h"
#include <poll.h>
#include <sys/wait.h>
static long open_pid(int pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static long send_signal(int fd, int signal, void *info, unsigned flags) { return syscall(SYS_pidfd_send_signal, fd, signal, info, flags); }
static long getfd(int fd, int target, unsigned flags) { return syscall(SYS_pidfd_getfd, fd, target, flags); }
static volatile sig_atomic_t code, value;
static void handle(int signal, siginfo_t *info, void *context) { (void)signal, (void)context; code = info->si_code, value = info->si_value.sival_int; }
static volatile int tid;
static pthread_barrier_t barrier;
static void *thread_body(void *arg) {
    tid = gettid();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}
int main(void) {
    siginfo_t info;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGUSR1, &action, NULL));
    CALL(open_pid(-1, 0));
    CALL(open_pid(0, 0));
    CALL(open_pid(0x3ffffff0, 0));
    CALL(open_pid(getpid(), 1));
    CALL(open_pid(getpid(), O_CLOEXEC));
    int self = MUST(open_pid(getpid(), 0)), file = MUST(open("/dev/null", O_RDONLY));
    CALL(send_signal(self, 65, NULL, 0));
    CALL(send_signal(self, -1, NULL, 0));
    CALL(send_signal(self, 0, NULL, 8));
    CALL(send_signal(self, 0, NULL, 3));
    CALL(send_signal(file, 0, NULL, 0));
    CALL(send_signal(-1, 0, NULL, 0));
    CALL(send_signal(self, SIGUSR1, (void *)8, 0));
    CALL(send_signal(self, SIGUSR1, NULL, 0));
    YES(code == SI_USER);
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR1, info.si_code = SI_QUEUE, info.si_value.sival_int = 77;
    CALL(send_signal(self, SIGUSR1, &info, 0));
    YES(code == SI_QUEUE);
    CALL((int)value);
    CALL(send_signal(self, SIGUSR2, &info, 0));
    info.si_code = SI_USER, info.si_value.sival_int = 78;
    CALL(send_signal(self, SIGUSR1, &info, 0));
    CALL(getfd(self, file, 1));
    CALL(getfd(self, 999, 0));
    CALL(getfd(self, -1, 0));
    CALL(getfd(file, file, 0));
    CALL(getfd(-1, file, 0));
    int copy = MUST(getfd(self, file, 0));
    CALL(fcntl(copy, F_GETFD));
    YES(lseek(file, 0, SEEK_CUR) == lseek(copy, 0, SEEK_CUR));
    CALL(waitid(P_PIDFD, self, &info, WEXITED));
    CALL(waitid(P_PIDFD, file, &info, WEXITED));
    CALL(waitid(P_PIDFD, 999, &info, WEXITED));
    CALL(waitid(P_PIDFD, -1, &info, WEXITED));
    pid_t child = MUST(fork());
    if (child == 0) for (;;) pause();
    int fd = MUST(open_pid(child, O_NONBLOCK));
    CALL(waitid(P_PIDFD, fd, &info, WEXITED));
    CALL(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    info.si_signo = SIGUSR1, info.si_code = SI_USER;
    CALL(send_signal(fd, SIGUSR1, &info, 0));
    info.si_signo = SIGKILL, info.si_code = SI_QUEUE;
    CALL(send_signal(fd, SIGKILL, &info, 0));
    CALL(waitid(P_PID, child, &info, WEXITED));
    CALL(getfd(fd, 0, 0));
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t thread = test_start(thread_body, NULL);
    pthread_barrier_wait(&barrier);
    YES(open_pid(tid, 0) == -1);
    int of_thread = MUST(open_pid(tid, O_EXCL));
    struct pollfd entry = {of_thread, POLLIN, 0};
    CALL(poll(&entry, 1, 0));
    CALL(send_signal(of_thread, 0, NULL, 0));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    CALL(poll(&entry, 1, -1));
    YES(entry.revents & POLLIN);
    CALL(send_signal(of_thread, 0, NULL, 0));
    return 0;
}
