/* mknod: files, FIFOs, sockets; devices that are not ours to make. */
#include "test.h"
#include <sys/sysmacros.h>
int main(void) {
    test_scratch_directory();
    struct stat s;
    umask(022);
    CALL(mknod("plain", 0666, 0));
    CALL(mknod("regular", S_IFREG | 0666, 7));
    CALL(mknod("fifo", S_IFIFO | 0666, 0));
    CALL(mknod("socket", S_IFSOCK | 0666, 0));
    CALL(mknod("dir", S_IFDIR | 0666, 0));
    CALL(mknod("link", S_IFLNK | 0666, 0));
    CALL(mknod("odd", 0130000 | 0666, 0));
    CALL(mknod("fifo", S_IFIFO | 0666, 0));
    CALL(mknod("dir/", S_IFREG | 0666, 0));
    CALL(mknod("absent/x", S_IFIFO | 0666, 0));
    CALL(mknodat(77, "x", S_IFIFO | 0666, 0));
    const char *names[] = {"plain", "regular", "fifo", "socket"};
    for (int i = 0; i < 4; i++) {
        CALL(lstat(names[i], &s));
        printf("%s mode %o size %ld rdev %d\n", names[i], s.st_mode, (long)s.st_size, (int)s.st_rdev);
    }
    CALL(open("socket", O_RDONLY));
    CALL(open("socket", O_PATH) >= 0);
    CALL(open("fifo", O_WRONLY | O_NONBLOCK));
    CALL(open("fifo", O_RDONLY | O_NONBLOCK) >= 0);
    CALL(open("fifo", O_RDWR) >= 0);
    CALL(truncate("fifo", 0));
    CALL(truncate("socket", 0));
    CALL(open("fifo", O_RDWR | O_TRUNC) >= 0);
    for (int i = 0; i < 4; i++) CALL(unlink(names[i]));
    test_remove_scratch_directory();
    return 0;
}
