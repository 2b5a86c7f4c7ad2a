/* utimensat sets what stat shows; a write moves the modification time on. */
#include "test.h"
int main(void) {
    struct stat s, t;
    test_scratch_directory();
    test_write_file("file", "x");
    struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 5}};
    CALL(utimensat(AT_FDCWD, "file", times, 0));
    CALL(stat("file", &s));
    printf("%ld.%09ld %ld.%09ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    int fd = open("file", O_RDWR);
    CALL(futimens(fd, times));
    CALL(fstat(fd, &t));
    YES(t.st_atim.tv_sec == 1000000000);
    YES(t.st_mtim.tv_sec > 1600000000);
    times[1].tv_sec = 7, times[1].tv_nsec = 0;
    CALL(futimens(fd, times));
    CALL(write(fd, "y", 1));
    CALL(fstat(fd, &t));
    YES(t.st_mtim.tv_sec > 1600000000);
    CALL(utimensat(AT_FDCWD, "absent", NULL, 0));
    times[1].tv_nsec = 2000000000;
    CALL(futimens(fd, times));
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
