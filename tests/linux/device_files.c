/* /dev: kinds, numbers, links, what reading and writing does. */
#include "test.h"
#include <sys/sysmacros.h>
#include <poll.h>
int main(void) {
    const char *names[] = {"null", "zero", "full", "random", "urandom", "tty"};
    char buffer[64], path[64];
    for (int i = 0; i < 6; i++) {
        struct stat s;
        sprintf(path, "/dev/%s", names[i]);
        CALL(stat(path, &s));
        printf("%s type %o perm %o number %u:%u\n", path, s.st_mode >> 12, s.st_mode & 0666, major(s.st_rdev), minor(s.st_rdev));
        if (i == 5) break;
        int fd = MUST(open(path, O_RDWR));
        CALL(read(fd, buffer, 16));
        CALL(write(fd, buffer, 16));
        CALL(pread(fd, buffer, 4, 1000));
        CALL(lseek(fd, 100, SEEK_SET));
        CALL(ftruncate(fd, 0));
        CALL(fsync(fd));
        CALL(fchmod(fd, s.st_mode & 07777));
        CALL(getdents64(fd, buffer, 64));
        struct pollfd p = {fd, POLLIN | POLLOUT, 0};
        CALL(poll(&p, 1, 0));
        printf("revents %x\n", p.revents);
        close(fd);
    }
    memset(buffer, 7, 64);
    int zero = open("/dev/zero", O_RDONLY);
    CALL(read(zero, buffer, 64));
    int sum = 0;
    for (int i = 0; i < 64; i++) sum += buffer[i];
    printf("sum %d\n", sum);
    CALL(write(open("/dev/null", O_WRONLY), (void *)8, 100));
    CALL(read(zero, (void *)8, 100));
    CALL(open("/dev/null", O_RDONLY | O_DIRECTORY));
    CALL(open("/dev/null/x", O_RDONLY));
    CALL(open("/dev/null", O_CREAT | O_EXCL | O_RDWR, 0600));
    CALL(open("/dev/null", O_CREAT | O_TRUNC | O_RDWR, 0600) >= 0);
    CALL(truncate("/dev/null", 0));
    CALL(mkdir("/dev/null/d", 0700));
    CALL(readlink("/dev/fd", buffer, 64)), printf("%.13s\n", buffer);
    CALL(readlink("/dev/stdin", buffer, 64)), printf("%.15s\n", buffer);
    CALL(readlink("/dev/stdout", buffer, 64)), printf("%.15s\n", buffer);
    CALL(readlink("/dev/stderr", buffer, 64)), printf("%.15s\n", buffer);
    int again = open("/dev/fd/1", O_WRONLY);
    CALL(write(again, "through /dev/fd\n", 16));
    struct stat s;
    CALL(stat("/dev/shm", &s));
    printf("mode %o\n", s.st_mode);
    char *zeros = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    YES(zeros != MAP_FAILED && zeros[5000] == 0);
    YES(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDONLY), 0) == MAP_FAILED && errno == ENODEV);
    return 0;
}
