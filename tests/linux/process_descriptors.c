/* Descriptors over fork: one file offset, own tables, O_APPEND, locks.
 */
#include "test.h"
#include <sys/wait.h>

#include <sys/file.h>

int main(void) {
    test_scratch_directory();
    int fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600)), status;
    pid_t child = fork();
    if (child == 0) {
        (void)!write(fd, "child ", 6);
        close(fd);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    (void)!write(fd, "parent", 6);
    CALL(lseek(fd, 0, SEEK_CUR));
    char text[32] = "";
    MUST(pread(fd, text, 31, 0));
    printf("%s\n", text);
    /* Appending from several. */
    int append = MUST(open("log", O_WRONLY | O_CREAT | O_APPEND, 0600));
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int n = 0; n < 50; n++) (void)!write(append, "0123456789", 10);
            _exit(0);
        }
    while (wait(NULL) > 0) {}
    CALL(lseek(append, 0, SEEK_END));
    /* Record locks belong to the process. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4};
    MUST(fcntl(fd, F_SETLK, &lock));
    child = fork();
    if (child == 0) {
        struct flock other = lock;
        int refused = fcntl(fd, F_SETLK, &other) == -1 && errno == EAGAIN;
        MUST(fcntl(fd, F_GETLK, &other));
        _exit(refused && other.l_type == F_WRLCK && other.l_pid == getppid() ? 0 : 1);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    /* They go with it. */
    int ready[2];
    MUST(pipe(ready));
    lock.l_start = 10;
    child = fork();
    if (child == 0) {
        MUST(fcntl(fd, F_SETLK, &lock));
        (void)!write(ready[1], "r", 1);
        for (;;) pause();
    }
    char byte;
    MUST(read(ready[0], &byte, 1));
    CALL(fcntl(fd, F_SETLK, &lock));
    kill(child, SIGKILL);
    CALL(fcntl(fd, F_SETLKW, &lock));
    waitpid(child, NULL, 0);
    /* flock belongs to the open file. */
    MUST(flock(fd, LOCK_EX));
    child = fork();
    if (child == 0) {
        int second = open("file", O_RDWR);
        int refused = flock(second, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK;
        int same = flock(fd, LOCK_EX | LOCK_NB) == 0;
        flock(fd, LOCK_UN);
        _exit(refused && same && flock(second, LOCK_EX | LOCK_NB) == 0 ? 0 : 1);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    CALL(flock(fd, LOCK_EX | LOCK_NB));
    unlink("file");
    unlink("log");
    test_remove_scratch_directory();
    return 0;
}
