/* RLIMIT_FSIZE: SIGXFSZ and EFBIG, for every call that makes a file longer. */
#include "test.h"
#include <sys/resource.h>
#include <sys/sendfile.h>
static volatile int signals;
static void count(int signal) { signals++; }
#define SEE(call) (signals = 0, CALL(call), printf("  signals %d size %ld\n", signals, (long)(fstat(fd, &s), s.st_size)))
int main(void) {
    test_scratch_directory();
    signal(SIGXFSZ, count);
    struct stat s;
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0600)), other = MUST(open("other", O_RDWR | O_CREAT, 0600));
    char buffer[8192] = {1};
    MUST(write(other, buffer, 8192));
    struct rlimit limit = {5000, RLIM_INFINITY};
    MUST(setrlimit(RLIMIT_FSIZE, &limit));
    SEE(write(fd, buffer, 4000));
    SEE(write(fd, buffer, 4000));
    SEE(write(fd, buffer, 1));
    SEE(write(fd, buffer, 0));
    SEE(pwrite(fd, buffer, 10, 4995));
    SEE(pwrite(fd, buffer, 10, 5000));
    SEE(pwrite(fd, buffer, 10, 100000));
    SEE(ftruncate(fd, 5000));
    SEE(ftruncate(fd, 5001));
    SEE(truncate("file", 6000));
    SEE(fallocate(fd, 0, 0, 5000));
    SEE(fallocate(fd, 0, 0, 5001));
    SEE(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 6000));
    SEE(ftruncate(fd, 100));
    lseek(fd, 0, SEEK_END);
    off_t from = 0;
    SEE(sendfile(fd, other, &from, 8192));
    SEE(sendfile(fd, other, &from, 8192));
    SEE(ftruncate(fd, 100));
    off_t zero = 0, to = 4000;
    SEE(copy_file_range(other, &zero, fd, &to, 8192, 0));
    zero = 0, to = 5000;
    SEE(copy_file_range(other, &zero, fd, &to, 100, 0));
    struct iovec parts[2] = {{buffer, 600}, {buffer, 600}};
    lseek(fd, 4500, SEEK_SET);
    SEE(writev(fd, parts, 2));
    SEE(writev(fd, parts, 2));
    signal(SIGXFSZ, SIG_IGN);
    SEE(write(fd, buffer, 10));
    /* A file that is longer already may be changed within its length. */
    int shorter = 50;
    limit.rlim_cur = 50;
    MUST(setrlimit(RLIMIT_FSIZE, &limit));
    SEE(pwrite(fd, buffer, 10, 45));
    SEE(pwrite(fd, buffer, 10, 60));
    SEE(ftruncate(fd, 4000));
    SEE(ftruncate(fd, 3000));
    int ends[2];
    MUST(pipe(ends));
    CALL(write(ends[1], buffer, 100));
    unlink("file"), unlink("other");
    signal(SIGXFSZ, SIG_DFL);
    test_remove_scratch_directory();
    fflush(stdout);
    write(fd, buffer, 1), pwrite(fd, buffer, 1, 1000);
    return 0;
}
