/* /proc/self/fd and fdinfo: what links lead to, also when the name is gone. */
#include "test.h"
static void show(int fd) {
    char link[64], path[512];
    sprintf(link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = 0;
    char *shown = strrchr(path, '/');
    printf("  %s\n", n < 0 ? test_errno_name(errno) : strchr(path, ':') ? "an object" : shown ? shown : path);
}
static void info(int fd) {
    char path[64], line[128];
    sprintf(path, "/proc/self/fdinfo/%d", fd);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "pos", 3) || !strncmp(line, "flags", 5)) printf("  %s", line);
    if (file) fclose(file);
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "content"), MUST(mkdir("dir", 0755));
    int fd = MUST(open("file", O_RDWR | O_APPEND | O_CLOEXEC)), dir = MUST(open("dir", O_RDONLY | O_DIRECTORY)), ends[2];
    MUST(pipe2(ends, O_NONBLOCK));
    show(fd), info(fd);
    lseek(fd, 3, SEEK_SET), info(fd);
    MUST(rename("file", "renamed"));
    MUST(rename("renamed", "file"));
    show(dir), info(dir);
    show(ends[0]), info(ends[0]), info(ends[1]);
    char path[64], out[16];
    sprintf(path, "/proc/self/fd/%d", fd);
    int other = MUST(open(path, O_RDONLY));
    CALL(lseek(other, 0, SEEK_CUR));
    show(other), info(other);
    struct stat a, b;
    CALL(stat(path, &a));
    YES(fstat(fd, &b) == 0 && a.st_ino == b.st_ino && S_ISREG(a.st_mode));
    CALL(lstat(path, &a));
    printf("mode %o\n", a.st_mode);
    MUST(unlink("file"));
    show(fd);
    CALL(open(path, O_RDONLY) >= 0);
    CALL(truncate(path, 3));
    CALL(fstat(fd, &b));
    printf("size %ld links %d\n", (long)b.st_size, (int)b.st_nlink);
    sprintf(path, "/proc/self/fd/%d", dir);
    CALL(access(path, X_OK));
    strcat(path, "/..");
    CALL(access(path, X_OK));
    rmdir("dir");
    show(dir);
    sprintf(path, "/proc/self/fd/%d", ends[1]);
    int writer = DOES(open(path, O_WRONLY | O_NONBLOCK));
    CALL(write(writer, "x", 1));
    CALL(read(ends[0], out, 16));
    CALL(open("/proc/self/fd/77", O_RDONLY));
    CALL(readlink("/proc/self/fd/77", out, 16));
    CALL(open("/proc/self/fd/x", O_RDONLY));
    CALL(open("/proc/self/fd/01", O_RDONLY));
    CALL(unlink("/proc/self/fd/0"));
    CALL(symlink("x", "/proc/self/fd/99"));
    CALL(open("/proc/self/fd/0/x", O_RDONLY));
    test_remove_scratch_directory();
    return 0;
}
