/* The working directory was removed. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    char buffer[256];
    MUST(mkdir("gone", 0755));
    int fd = MUST(open("gone", O_RDONLY | O_DIRECTORY));
    int up = MUST(open(".", O_RDONLY));
    CALL(chdir("gone"));
    CALL(rmdir("../gone"));
    struct stat s;
    CALL(syscall(SYS_getcwd, buffer, sizeof buffer));
    CALL(stat(".", &s));
    printf("links %d\n", (int)s.st_nlink);
    CALL(stat("..", &s));
    CALL(open("file", O_CREAT | O_WRONLY, 0600));
    CALL(mkdir("d", 0755));
    CALL(symlink("x", "y"));
    CALL(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
    CALL(openat(fd, "file", O_RDONLY));
    CALL(mknod("f", S_IFIFO | 0600, 0));
    CALL(rmdir("../gone"));
    CALL(getdents64(fd, buffer, sizeof buffer));
    ssize_t len = readlink("/proc/self/cwd", buffer, sizeof buffer - 1);
    YES(len > 10 && memcmp(buffer + len - 10, " (deleted)", 10) == 0);
    CALL(fchdir(fd));
    CALL(chdir("."));
    CALL(chdir(".."));
    CALL(fchdir(up));
    CALL(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
    close(fd), close(up);
    test_remove_scratch_directory();
    return 0;
}
