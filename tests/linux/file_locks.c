/* Record locks and flock of a single process. */
#include "test.h"
#include <sys/file.h>
int main(void) {
    test_scratch_directory();
    test_write_file("file", "abcdefgh");
    int fd = open("file", O_RDWR), other = open("file", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4};
    CALL(fcntl(fd, F_SETLK, &lock));
    CALL(fcntl(other, F_SETLK, &lock));
    CALL(fcntl(fd, F_GETLK, &lock));
    CALL(lock.l_type == F_UNLCK);
    CALL(flock(fd, LOCK_EX));
    CALL(flock(other, LOCK_EX | LOCK_NB));
    CALL(flock(other, LOCK_SH | LOCK_NB));
    CALL(flock(fd, LOCK_UN));
    CALL(flock(other, LOCK_EX | LOCK_NB));
    CALL(flock(77, LOCK_EX));
    CALL(close(other));
    CALL(flock(fd, LOCK_EX | LOCK_NB));
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
