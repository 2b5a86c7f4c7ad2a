/* System calls answer EFAULT to pointers that lead nowhere, and do no partial harm. */
#include "test.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#define WILD ((void *)0x10)
#define HIGH ((void *)0xffff800000000000UL)
int main(void) {
    int ends[2], pair[2];
    MUST(pipe(ends));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p + PAGE, PAGE, PROT_NONE);
    mprotect(p + 2 * PAGE, PAGE, PROT_READ);
    CALL(write(ends[1], WILD, 5));
    CALL(write(ends[1], HIGH, 5));
    CALL(write(ends[1], "abcdef", 6));
    CALL(read(ends[0], WILD, 5));
    CALL(read(ends[0], HIGH, 5));
    CALL(read(ends[0], p + 2 * PAGE, 3));
    CALL(write(ends[1], p + PAGE, 1));
    CALL(syscall(SYS_stat, "/usr", WILD));
    CALL(syscall(SYS_stat, WILD, p));
    CALL(syscall(SYS_pipe, WILD));
    CALL(syscall(SYS_uname, HIGH));
    CALL(syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, WILD));
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, WILD, NULL, 8));
    CALL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, WILD, NULL, 8));
    CALL(syscall(SYS_nanosleep, WILD, NULL));
    CALL(syscall(SYS_poll, WILD, 1, 0));
    CALL(syscall(SYS_getcwd, WILD, 100));
    CALL(syscall(SYS_futex, WILD, 0, 0, NULL));
    CALL(syscall(SYS_readlink, "/proc/self/exe", WILD, 10));
    CALL(syscall(SYS_getdents64, open("/usr", O_RDONLY), WILD, 1000));
    CALL(syscall(SYS_writev, ends[1], WILD, 1));
    CALL(syscall(SYS_getrandom, WILD, 8, 0));
    CALL(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, WILD));
    CALL(syscall(SYS_sysinfo, WILD));
    CALL(syscall(SYS_set_robust_list, WILD, 24));
    CALL(open(p + PAGE, O_RDONLY));
    memset(p, 'a', PAGE);
    CALL(access(p + PAGE - 3, F_OK));
    return 0;
}
