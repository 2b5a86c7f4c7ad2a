/* pidfd_open, pidfd_send_signal, poll and waitid(P_PIDFD) on a child, before and after its end.
 */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>
static long open_pid(int pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static long send_signal(int fd, int signal, void *info, unsigned flags) { return syscall(SYS_pidfd_send_signal, fd, signal, info, flags); }
static int ready(int fd, int wait) {
    struct pollfd entry = {fd, POLLIN, 0};
    poll(&entry, 1, wait);
    return entry.revents;
}
static void show(int fd) {
    char path[64], line[128];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *f = fopen(path, "r");
    while (fgets(line, sizeof line, f)) {
        int pid;
        if (sscanf(line, "Pid: %d", &pid) == 1) printf("  Pid %s\n", pid > 0 ? "known" : pid == 0 ? "0" : "-1");
        if (sscanf(line, "NSpid: %d", &pid) == 1) printf("  NSpid %s\n", pid > 0 ? "known" : pid == 0 ? "0" : "-1");
    }
    fclose(f);
    ssize_t len = readlink(strcat(strcpy(path, "/proc/self/fd/"), ""), line, sizeof line);
    (void)len;
}
int main(void) {
    siginfo_t info;
    struct epoll_event event = {.events = EPOLLIN}, out;
    int status;
    pid_t child = MUST(fork());
    if (child == 0) { for (;;) pause(); }
    int fd = MUST(open_pid(child, 0)), set = MUST(epoll_create1(0));
    CALL(fcntl(fd, F_GETFD));
    YES((fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_RDWR);
    show(fd);
    CALL(ready(fd, 0));
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    CALL(epoll_wait(set, &out, 1, 0));
    CALL(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    CALL(send_signal(fd, 0, NULL, 0));
    CALL(send_signal(fd, SIGKILL, NULL, 0));
    CALL(ready(fd, -1));
    CALL(epoll_wait(set, &out, 1, -1));
    CALL(send_signal(fd, 0, NULL, 0)); /* a zombie can be signalled */
    memset(&info, 0, sizeof info);
    CALL(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
    YES(info.si_pid == child && info.si_code == CLD_KILLED && info.si_status == SIGKILL);
    CALL(waitid(P_PIDFD, fd, &info, WEXITED));
    CALL(waitid(P_PIDFD, fd, &info, WEXITED));
    CALL(ready(fd, 0));
    CALL(send_signal(fd, 0, NULL, 0));
    show(fd);
    char byte;
    CALL(read(fd, &byte, 1));
    CALL(write(fd, &byte, 1));
    CALL(lseek(fd, 0, SEEK_CUR));
    /* Of a process that was waited for no new one is made. */
    CALL(open_pid(child, 0));
    child = MUST(fork());
    if (child == 0) _exit(5);
    int nonblocking = MUST(open_pid(child, O_NONBLOCK));
    YES(fcntl(nonblocking, F_GETFL) & O_NONBLOCK);
    CALL(ready(nonblocking, -1));
    CALL(waitpid(child, &status, 0) == child);
    return 0;
}
