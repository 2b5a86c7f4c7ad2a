/* Filters of seccomp: errno, SIGSYS, the end of a thread and of a process; the strictest of several counts. */
#include "test.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
static long filter(unsigned flags, int call, unsigned answer) {
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof lines / sizeof *lines, lines};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
static volatile int told, arch_told, errno_told, code_told;
static void handle(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    told = info->si_syscall, arch_told = info->si_arch == AUDIT_ARCH_X86_64, errno_told = info->si_errno, code_told = info->si_code;
}
static void end(const char *what, void (*body)(void)) {
    int status;
    pid_t child = MUST(fork());
    if (child == 0) { body(); _exit(7); }
    MUST(waitpid(child, &status, 0));
    printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}
static void with_errno(void) {
    CALL(filter(0, SYS_getppid, SECCOMP_RET_ERRNO | ENOTEMPTY));
    CALL(syscall(SYS_getppid));
    CALL(prctl(PR_GET_SECCOMP));
    CALL(filter(0, SYS_getppid, SECCOMP_RET_ERRNO | EPERM));
    CALL(syscall(SYS_getppid));
    CALL(filter(0, SYS_getppid, SECCOMP_RET_LOG));
    CALL(syscall(SYS_getppid));
    CALL(filter(0, SYS_getpgid, SECCOMP_RET_ERRNO));
    CALL(syscall(SYS_getpgid, 0));
    CALL(filter(0, SYS_getsid, SECCOMP_RET_TRACE));
    CALL(syscall(SYS_getsid, 0));
    CALL(filter(0, SYS_getuid, SECCOMP_RET_ERRNO | 0xffff) == 0 && syscall(SYS_getuid) == -1 && errno == 4095);
}
static void with_trap(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    MUST(sigaction(SIGSYS, &action, NULL));
    CALL(filter(0, SYS_getppid, SECCOMP_RET_TRAP | 77));
    long answer = syscall(SYS_getppid);
    YES(answer == SYS_getppid);
    YES(told == SYS_getppid && arch_told && errno_told == 77 && code_told == SYS_SECCOMP);
    CALL(filter(0, SYS_getppid, SECCOMP_RET_ERRNO | EPERM));
    told = 0;
    syscall(SYS_getppid);
    YES(told == SYS_getppid);
    signal(SIGSYS, SIG_IGN);
    syscall(SYS_getppid);
}
static void with_kill(void) { filter(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS); syscall(SYS_getppid); }
static void *asks(void *arg) { syscall(SYS_getppid); return arg; }
static void with_thread(void) {
    filter(0, SYS_getppid, SECCOMP_RET_KILL_THREAD);
    pthread_join(test_start(asks, NULL), NULL);
    printf("the thread is gone\n");
    syscall(SYS_getppid);
}
static void with_unknown(void) { filter(0, SYS_getppid, 0x12340000); syscall(SYS_getppid); }
static void with_child(void) {
    int status;
    CALL(filter(0, SYS_getppid, SECCOMP_RET_ERRNO | EPERM));
    pid_t child = fork();
    if (child == 0) { CALL(syscall(SYS_getppid)); _exit(0); }
    waitpid(child, &status, 0);
}
int main(void) {
    CALL(prctl(PR_GET_SECCOMP));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    end("errno", with_errno);
    end("trap", with_trap);
    end("kill", with_kill);
    end("thread", with_thread);
    end("unknown", with_unknown);
    end("child", with_child);
    return 0;
}
