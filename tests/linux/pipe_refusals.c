/* What pipes refuse: wrong ends, seeks, lengths, flags, bad addresses, no descriptor left. */
#include "test.h"
#include <sys/ioctl.h>
#include <sys/resource.h>
int main(void) {
    int p[2], n;
    char byte;
    MUST(pipe(p));
    CALL(write(p[0], "x", 1));
    CALL(read(p[1], &byte, 1));
    CALL(lseek(p[0], 0, SEEK_CUR));
    CALL(pread(p[0], &byte, 1, 0));
    CALL(pwrite(p[1], &byte, 1, 0));
    CALL(ftruncate(p[1], 0));
    CALL(fsync(p[0]));
    CALL(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], 0) == MAP_FAILED ? errno == ENODEV : 77);
    CALL(ioctl(p[0], 0x7777, &n));
    CALL(ioctl(p[0], FIONREAD, (void *)1));
    CALL(write(p[1], (void *)1, 10));
    CALL(write(p[1], "abc", 3));
    CALL(read(p[0], (void *)1, 10));
    CALL(ioctl(p[0], FIONREAD, &n));
    CALL(n);
    CALL(pipe2(p, O_APPEND));
    CALL(pipe2(p, -1));
    CALL(syscall(SYS_pipe2, (void *)1, 0));
    CALL(syscall(SYS_pipe2, (void *)1, O_CLOEXEC));
    int next = dup(0);
    struct rlimit limit = {(rlim_t)next + 1, (rlim_t)next + 1};
    close(next);
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    CALL(pipe(p));
    CALL(dup(0) == next);
    return 0;
}
