/* A descriptor of O_PATH names a file and does nothing else. */
#include "test.h"
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
int main(void) {
    test_scratch_directory();
    test_write_file("file", "content");
    MUST(symlink("file", "link"));
    MUST(mkdir("directory", 0755));
    test_write_file("directory/inner", "in");
    char buffer[64];
    struct stat s;
    struct statfs fs;
    int fd = MUST(open("file", O_PATH));
    CALL(read(fd, buffer, 1));
    CALL(write(fd, buffer, 1));
    CALL(pread(fd, buffer, 1, 0));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(ftruncate(fd, 0));
    CALL(fchmod(fd, 0600));
    CALL(fchown(fd, getuid(), getgid()));
    CALL(futimens(fd, NULL));
    CALL(fsync(fd));
    CALL(syncfs(fd));
    CALL(fallocate(fd, 0, 0, 1));
    CALL(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
    CALL(readahead(fd, 0, 1));
    CALL(flock(fd, LOCK_SH));
    CALL(ioctl(fd, FIONREAD, &s));
    CALL(ioctl(fd, FIOCLEX));
    YES(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EBADF);
    CALL(fgetxattr(fd, "user.x", buffer, 1));
    CALL(fsetxattr(fd, "user.x", buffer, 1, 0));
    CALL(flistxattr(fd, buffer, 1));
    CALL(fremovexattr(fd, "user.x"));
    CALL(getdents64(fd, buffer, 64));
    CALL(fstat(fd, &s));
    printf("size %ld\n", (long)s.st_size);
    CALL(fstatfs(fd, &fs));
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(fd, F_SETFD, FD_CLOEXEC));
    printf("flags %o\n", fcntl(fd, F_GETFL));
    CALL(fcntl(fd, F_SETFL, O_APPEND));
    CALL(fcntl(fd, F_GETOWN));
    CALL(fcntl(fd, F_GETLEASE));
    DOES(fcntl(fd, F_DUPFD, 50));
    DOES(dup(fd));
    CALL(fchdir(fd));
    CALL(faccessat(fd, "", R_OK, AT_EMPTY_PATH));
    CALL(fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH));
    CALL(syscall(SYS_utimensat, fd, "", NULL, AT_EMPTY_PATH));
    char name[64];
    sprintf(name, "/proc/self/fd/%d", fd);
    DOES(open(name, O_RDWR));
    CALL(chmod(name, 0600));
    CALL(open(name, O_RDWR | O_NOFOLLOW));
    fd = MUST(open("link", O_PATH | O_NOFOLLOW));
    CALL(readlinkat(fd, "", buffer, 64));
    CALL(fstat(fd, &s));
    YES(S_ISLNK(s.st_mode));
    sprintf(name, "/proc/self/fd/%d", fd);
    CALL(open(name, O_RDONLY));
    CALL(readlink(name, buffer, 64) > 0);
    fd = MUST(open("directory", O_PATH));
    DOES(openat(fd, "inner", O_RDONLY));
    CALL(openat(fd, ".", O_RDONLY) >= 0);
    CALL(getdents64(fd, buffer, 64));
    CALL(fchdir(fd));
    CALL(access("inner", F_OK));
    CALL(chdir(".."));
    CALL(unlinkat(fd, "inner", 0));
    int secret = MUST(open("directory", O_PATH | O_DIRECTORY));
    CALL(open("file", O_PATH | O_DIRECTORY));
    CALL(open("absent", O_PATH | O_CREAT, 0600));
    CALL(sendfile(1, secret, NULL, 1));
    rmdir("directory"), unlink("link"), unlink("file");
    test_remove_scratch_directory();
    return 0;
}
