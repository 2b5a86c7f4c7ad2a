/* dup, dup2, dup3 and fcntl: lowest numbers, shared offsets, flags of their own. */
#include "test.h"
#include <sys/resource.h>
int main(void) {
    char text[8];
    test_scratch_directory();
    test_write_file("file", "abcdefgh");
    int fd = CALL(open("file", O_RDONLY | O_CLOEXEC));
    CALL(fcntl(fd, F_GETFD));
    int second = CALL(dup(fd));
    CALL(fcntl(second, F_GETFD));
    CALL(read(fd, text, 3));
    CALL(lseek(second, 0, SEEK_CUR));
    CALL(fcntl(second, F_SETFD, FD_CLOEXEC));
    CALL(fcntl(second, F_GETFD));
    CALL(close(fd));
    CALL(open("file", O_RDWR | O_APPEND));
    CALL(fcntl(3, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    CALL(fcntl(3, F_SETFL, O_NONBLOCK));
    CALL(fcntl(3, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    CALL(dup2(3, 10));
    CALL(dup2(10, 10));
    CALL(dup2(55, 55));
    CALL(dup2(3, -1));
    CALL(dup3(3, 11, O_CLOEXEC));
    CALL(fcntl(11, F_GETFD));
    CALL(dup3(3, 3, 0));
    CALL(dup3(3, 12, 99));
    CALL(fcntl(3, F_DUPFD, 10));
    CALL(fcntl(3, F_DUPFD_CLOEXEC, 20));
    CALL(fcntl(20, F_GETFD));
    CALL(fcntl(3, F_DUPFD, -1));
    CALL(fcntl(3, 9999));
    CALL(fcntl(55, F_GETFD));
    CALL(close(-1));
    struct rlimit limit = {32, 32};
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    CALL(dup2(3, 32));
    int opened = 0;
    while (dup(3) >= 0) opened++;
    printf("then %s\n", test_errno_name(errno));
    CALL(close_range(3, 100, 0));
    CALL(open("file", O_RDONLY));
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
