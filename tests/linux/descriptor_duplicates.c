/* dup, dup2, dup3, close, close_range: numbers, flags, refusals. */
#include "test.h"
#include <sys/resource.h>
static int is_open(int fd) { return fcntl(fd, F_GETFD); }
static long range(unsigned first, unsigned last, unsigned flags) { return syscall(SYS_close_range, first, last, flags); }
static void fill(int fd) { for (int i = 10; i < 20; i++) dup2(fd, i); }
static void show(void) {
    for (int i = 10; i < 20; i++) printf("%c", is_open(i) < 0 ? '.' : '0' + is_open(i));
    printf("\n");
}
int main(void) {
    int fd = MUST(open("/dev/null", O_RDONLY | O_CLOEXEC));
    CALL(dup(77));
    CALL(dup2(77, 5));
    CALL(dup2(fd, fd) == fd);
    CALL(dup2(77, 77));
    CALL(dup2(fd, -1));
    CALL(dup2(fd, 1 << 30));
    CALL(dup3(fd, fd, 0));
    CALL(dup3(fd, fd, O_CLOEXEC));
    CALL(dup3(77, 77, 0));
    CALL(dup3(fd, 50, O_NONBLOCK));
    CALL(dup3(fd, 50, O_CLOEXEC));
    CALL(is_open(50));
    CALL(dup2(fd, 50));
    CALL(is_open(50));
    CALL(dup3(fd, -1, 0));
    CALL(close(50));
    CALL(close(50));
    CALL(close(-1));
    fill(fd), show();
    CALL(range(12, 14, 0)), show();
    CALL(range(18, ~0u, 0)), show();
    CALL(range(10, 11, 4)), show();
    CALL(range(11, 10, 0));
    CALL(range(10, 11, 1));
    CALL(range(10, 11, 8));
    fill(fd);
    CALL(range(13, 15, 2)), show();
    CALL(range(16, 17, 6)), show();
    CALL(range(~0u, ~0u, 0));
    CALL(range(100000, 200000, 0)), show();
    CALL(range(10, 20, 0)), show();
    struct rlimit limit = {10, 4096};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    int last = 0, n;
    for (n = 0; (fd = dup(0)) >= 0; n++) last = fd;
    printf("last %d %s\n", last, test_errno_name(errno));
    CALL(open("/dev/null", O_RDONLY));
    CALL(open("/tmp/catalyzer-not-made", O_CREAT | O_WRONLY, 0600));
    CALL(access("/tmp/catalyzer-not-made", F_OK));
    int ends[2] = {-5, -5};
    CALL(pipe(ends));
    CALL(close(9));
    CALL(pipe(ends));
    printf("%d %d\n", ends[0], ends[1]);
    CALL(dup2(0, 9));
    CALL(dup2(0, 10));
    CALL(fcntl(0, F_DUPFD, 10));
    CALL(fcntl(0, F_DUPFD, 5));
    limit.rlim_cur = 0;
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    CALL(dup(0));
    CALL(open("absent", O_RDONLY));
    CALL(write(1, "", 0));
    limit.rlim_cur = 5000;
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    return 0;
}
