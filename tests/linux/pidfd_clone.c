/* CLONE_PIDFD of clone and clone3, and what does not go together.
 */
#include "test.h"
#include <linux/sched.h>
#include <poll.h>
#include <sys/wait.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
static long do_clone3(struct clone_args *args, size_t size) { return syscall(SYS_clone3, args, size); }
int main(void) {
    int fd = -1, tid = 0;
    siginfo_t info;
    long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
    if (child == 0) _exit(4);
    YES(child > 0 && fd >= 0);
    CALL(fcntl(fd, F_GETFD));
    CALL(waitid(P_PIDFD, fd, &info, WEXITED));
    YES(info.si_pid == child && info.si_status == 4);
    CALL(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
    CALL(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0));
    CALL(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, 8, 0, 0));
    fd = -1;
    struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&fd, .parent_tid = (uintptr_t)&tid, .exit_signal = SIGCHLD};
    child = do_clone3(&args, sizeof args);
    if (child == 0) for (;;) pause();
    YES(child > 0 && fd >= 0 && tid == child);
    struct pollfd entry = {fd, POLLIN, 0};
    CALL(poll(&entry, 1, 0));
    CALL(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    CALL(poll(&entry, 1, -1));
    CALL(waitid(P_PIDFD, fd, &info, WEXITED));
    YES(info.si_status == SIGTERM);
    args = (struct clone_args){.flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.exit_signal = 65};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = CLONE_DETACHED, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.exit_signal = SIGCHLD, .stack = (uintptr_t)&args};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.exit_signal = SIGCHLD, .stack_size = 4096};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.exit_signal = SIGCHLD, .set_tid_size = 40, .set_tid = (uintptr_t)&tid};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.exit_signal = SIGCHLD, .set_tid_size = 1};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = CLONE_SIGHAND | CLONE_CLEAR_SIGHAND | CLONE_VM, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = CLONE_THREAD, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = CLONE_SIGHAND, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = CLONE_FS | CLONE_NEWNS, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.flags = 1ULL << 40, .exit_signal = SIGCHLD};
    CALL(do_clone3(&args, sizeof args));
    args = (struct clone_args){.exit_signal = SIGCHLD};
    CALL(do_clone3(&args, 63));
    CALL(do_clone3(&args, 5000));
    CALL(do_clone3((void *)8, sizeof args));
    CALL(do_clone3(NULL, sizeof args));
    return 0;
}
