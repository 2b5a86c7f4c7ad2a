/* Writing no bytes does not move the position, with O_APPEND neither. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    int fd = MUST(open("a", O_RDWR | O_CREAT | O_APPEND, 0644));
    CALL(write(fd, "hello", 5));
    CALL(lseek(fd, 2, SEEK_SET));
    CALL(write(fd, "", 0));
    CALL(lseek(fd, 0, SEEK_CUR));
    struct iovec none[2] = {{"", 0}, {"", 0}};
    CALL(writev(fd, none, 2));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(pwrite(fd, "", 0, 100));
    CALL(write(fd, "x", 1));
    CALL(lseek(fd, 0, SEEK_CUR));
    unlink("a");
    test_remove_scratch_directory();
    return 0;
}
