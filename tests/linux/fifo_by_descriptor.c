/* An open FIFO through /proc/self/fd: it can be linked and opened anew; O_DIRECT is for pipes, not for directories. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    MUST(mkfifo("fifo", 0640));
    int fd = MUST(open("fifo", O_RDWR)), directory = MUST(open(".", O_RDONLY));
    char name[64], byte = 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    CALL(linkat(AT_FDCWD, name, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
    struct stat st;
    MUST(stat("second", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_nlink);
    int again = MUST(open(name, O_RDONLY | O_NONBLOCK));
    MUST(write(fd, "x", 1));
    CALL(read(again, &byte, 1));
    CALL(fcntl(again, F_GETFL) & O_ACCMODE);
    unlink("fifo"), unlink("second");
    CALL(linkat(AT_FDCWD, name, AT_FDCWD, "third", AT_SYMLINK_FOLLOW));
    CALL(fcntl(fd, F_SETFL, O_DIRECT));
    CALL(fcntl(directory, F_SETFL, O_DIRECT));
    unlink("third");
    test_remove_scratch_directory();
    return 0;
}
