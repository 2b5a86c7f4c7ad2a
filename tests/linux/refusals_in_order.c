/* Which of several errors is answered, where more than one thing is wrong. */
#include "test.h"
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/timex.h>
#define BAD ((void *)8)
int main(void) {
    int null = MUST(open("/dev/null", O_RDWR)), ends[2];
    MUST(pipe(ends));
    CALL(syscall(SYS_semop, -1, BAD, -1));
    CALL(syscall(SYS_semop, -1, BAD, 0));
    CALL(syscall(SYS_flock, -1, -1));
    CALL(syscall(SYS_flock, -1, 0));
    CALL(syscall(SYS_flock, -1, 3));
    CALL(syscall(SYS_flock, -1, 1));
    CALL(syscall(SYS_readlink, BAD, BAD, 0));
    CALL(syscall(SYS_readlink, BAD, BAD, -1));
    CALL(syscall(SYS_readlinkat, -1, BAD, BAD, 0));
    CALL(syscall(SYS_readlinkat, -1, "/proc/self/exe", BAD, 1));
    CALL(syscall(SYS_capget, NULL, NULL));
    CALL(syscall(SYS_rt_sigpending, BAD, 0));
    CALL(syscall(SYS_rt_sigpending, BAD, 9));
    CALL(syscall(SYS_futex, 16, 1, 1, NULL, NULL, 0));
    CALL(syscall(SYS_futex, 16, 129, 1, NULL, NULL, 0));
    CALL(syscall(SYS_timer_create, 77, BAD, BAD));
    CALL(syscall(SYS_timer_create, 4, BAD, BAD));
    CALL(syscall(SYS_timer_create, 4, NULL, BAD));
    CALL(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, BAD));
    CALL(syscall(SYS_clock_settime, CLOCK_MONOTONIC, BAD));
    CALL(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD));
    CALL(syscall(SYS_clock_settime, -1, BAD));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, BAD, BAD));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_REALTIME_COARSE, 0, BAD, BAD));
    CALL(syscall(SYS_clock_nanosleep, -1, 0, BAD, BAD));
    CALL(syscall(SYS_epoll_wait, -1, BAD, -1, 0));
    CALL(syscall(SYS_epoll_wait, null, BAD, -1, 0));
    CALL(syscall(SYS_epoll_pwait, -1, BAD, 0, 0, NULL, 8));
    CALL(syscall(SYS_mq_timedsend, -1, BAD, 1, -1, BAD));
    CALL(syscall(SYS_mq_timedsend, -1, BAD, 1, -1, NULL));
    CALL(syscall(SYS_linkat, -1, BAD, -1, BAD, -1));
    CALL(syscall(SYS_linkat, -1, BAD, -1, BAD, 0));
    CALL(syscall(SYS_faccessat, -1, BAD, -1));
    CALL(syscall(SYS_faccessat2, -1, BAD, 0, -1));
    CALL(syscall(SYS_renameat2, -1, BAD, -1, BAD, -1));
    CALL(syscall(SYS_renameat2, -1, BAD, -1, BAD, 0));
    CALL(syscall(SYS_vmsplice, null, NULL, 0, 0));
    CALL(syscall(SYS_vmsplice, null, BAD, 1, 0));
    CALL(syscall(SYS_vmsplice, null, BAD, 1025, 0));
    CALL(syscall(SYS_vmsplice, -1, BAD, 1025, 0));
    CALL(syscall(SYS_utimensat, -1, BAD, BAD, -1));
    CALL(syscall(SYS_utimensat, -1, BAD, NULL, -1));
    CALL(syscall(SYS_accept4, -1, BAD, BAD, -1));
    CALL(syscall(SYS_accept4, null, BAD, BAD, -1));
    CALL(syscall(SYS_accept4, null, BAD, BAD, 0));
    CALL(syscall(SYS_signalfd4, -1, BAD, 7, -1));
    CALL(syscall(SYS_signalfd4, -1, BAD, 8, -1));
    CALL(syscall(SYS_recvmmsg, -1, BAD, 1, 0x80000000, BAD));
    CALL(syscall(SYS_sendmmsg, -1, BAD, 1, 0x80000000));
    CALL(syscall(SYS_sendmsg, -1, BAD, 0x80000000));
    CALL(syscall(SYS_recvmsg, -1, BAD, 0x80000000));
    CALL(syscall(SYS_copy_file_range, -1, BAD, -1, BAD, 1, 1));
    CALL(syscall(SYS_copy_file_range, null, BAD, null, NULL, 1, 1));
    CALL(syscall(SYS_copy_file_range, null, NULL, null, NULL, 1, 1));
    CALL(syscall(SYS_clock_adjtime, 77, BAD));
    CALL(syscall(SYS_getrandom, -4096L, 0, 0));
    CALL(syscall(SYS_pkey_mprotect, 0, 0, 0, 7));
    CALL(syscall(SYS_pkey_mprotect, 1, 0, 0, 0));
    CALL(syscall(SYS_pkey_alloc, 1, 0));
    return 0;
}
