/* process_madvise and process_mrelease: which advice, whose memory, and the documented errors.
 */
#include "test.h"
#include <sys/wait.h>
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif
static long advise(int fd, struct iovec *v, size_t count, int advice, unsigned flags) { return syscall(SYS_process_madvise, fd, v, count, advice, flags); }
int main(void) {
    char *a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(a, 7, 4 * PAGE);
    struct iovec v[2] = {{a, PAGE}, {a + 2 * PAGE, 2 * PAGE}};
    int self = MUST(syscall(SYS_pidfd_open, getpid(), 0));
    CALL(advise(self, v, 2, MADV_COLD, 0));
    CALL(advise(self, v, 2, MADV_WILLNEED, 0));
    CALL(advise(self, v, 1, MADV_PAGEOUT, 0));
    CALL(a[0]);
    CALL(advise(self, v, 2, MADV_COLD, 1));
    CALL(advise(self, v, 2, 99, 0));
    CALL(advise(-1, v, 2, MADV_COLD, 0));
    CALL(advise(1, v, 2, MADV_COLD, 0));
    CALL(advise(self, (void *)8, 2, MADV_COLD, 0));
    CALL(advise(self, v, 1025, MADV_COLD, 0));
    CALL(advise(self, v, 0, MADV_COLD, 0));
    v[1].iov_base = a + 1;
    CALL(advise(self, v, 2, MADV_COLD, 0));
    CALL(advise(self, v + 1, 1, MADV_COLD, 0));
    pid_t child = MUST(fork());
    if (child == 0) for (;;) pause();
    int fd = MUST(syscall(SYS_pidfd_open, child, 0));
    CALL(advise(fd, v, 1, MADV_DONTNEED, 0));
    CALL(syscall(SYS_process_mrelease, fd, 1));
    CALL(syscall(SYS_process_mrelease, fd, 0));
    CALL(syscall(SYS_process_mrelease, -1, 0));
    CALL(syscall(SYS_process_mrelease, 1, 0));
    MUST(kill(child, SIGKILL));
    MUST(waitpid(child, NULL, 0));
    CALL(syscall(SYS_process_mrelease, fd, 0));
    CALL(advise(fd, v, 1, MADV_COLD, 0));
    return 0;
}
