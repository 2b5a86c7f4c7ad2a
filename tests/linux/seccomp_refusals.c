/* seccomp: documented errors, strict mode, what is available, all threads at once. */
#include "test.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static long set(unsigned flags, unsigned short len, struct sock_filter *lines) {
    struct sock_fprog program = {len, lines};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
static pthread_barrier_t barrier;
static void *waits(void *arg) {
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    printf("the other thread: %d\n", prctl(PR_GET_SECCOMP));
    return arg;
}
static void *differs(void *arg) {
    MUST(set(0, 1, allow));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}
int main(void) {
    int status;
    unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 0x12340000};
    struct sock_filter open_end[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)}, jump[] = {BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0), BPF_STMT(BPF_RET | BPF_K, 0)},
                       odd[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), BPF_STMT(BPF_RET | BPF_K, 0)},
                       half[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, 0)},
                       beyond[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), BPF_STMT(BPF_RET | BPF_K, 0)},
                       zero[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0)};
    for (int i = 0; i < 8; i++) CALL(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
    CALL(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 8));
    CALL(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]));
    CALL(syscall(SYS_seccomp, 99, 0, NULL));
    CALL(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    CALL(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 8));
    CALL(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8));
    CALL(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0x100, 8));
    CALL(prctl(PR_SET_SECCOMP, 7, 0));
    CALL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CALL(set(0, 0, allow));
    CALL(set(0, 4097, allow));
    CALL(set(0, 1, (void *)8));
    CALL(set(0, 1, open_end));
    CALL(set(0, 2, jump));
    CALL(set(0, 2, odd));
    CALL(set(0, 2, half));
    CALL(set(0, 2, beyond));
    CALL(set(0, 2, zero));
    CALL(prctl(PR_GET_SECCOMP));
    pid_t child = MUST(fork());
    if (child == 0) {
        CALL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
        write(1, "still writes\n", 13);
        syscall(SYS_exit, 3);
    }
    waitpid(child, &status, 0);
    printf("%x\n", (unsigned)status);
    if ((child = MUST(fork())) == 0) {
        MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
        syscall(SYS_getpid);
        syscall(SYS_exit, 3);
    }
    waitpid(child, &status, 0);
    printf("%x\n", (unsigned)status);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t thread = test_start(waits, NULL);
    pthread_barrier_wait(&barrier);
    CALL(set(SECCOMP_FILTER_FLAG_TSYNC, 1, allow));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    CALL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    thread = test_start(differs, NULL);
    pthread_barrier_wait(&barrier);
    YES(set(SECCOMP_FILTER_FLAG_TSYNC, 1, allow) > 0);
    CALL(set(SECCOMP_FILTER_FLAG_TSYNC | 16, 1, allow));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}
