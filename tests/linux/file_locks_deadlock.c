/* Record locks of two processes that wait for each other: EDEADLK for the second.
 */
#include "test.h"
#include <sys/wait.h>
static int set(int fd, int command, int type, off_t start) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};
    return fcntl(fd, command, &lock);
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x");
    int fd = MUST(open("file", O_RDWR)), ready[2], back[2];
    MUST(pipe(ready)), MUST(pipe(back));
    char c;
    MUST(set(fd, F_SETLK, F_WRLCK, 0));
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        MUST(set(fd, F_SETLK, F_WRLCK, 1));
        write(ready[1], "x", 1);
        /* Waits for the parent, which gives up its own wait. */
        _exit(set(fd, F_SETLKW, F_WRLCK, 0) == 0 ? 0 : errno);
    }
    read(ready[0], &c, 1);
    CALL(set(fd, F_SETLK, F_WRLCK, 1));
    /* Until the child waits, this would wait, too: ask again while it does not. */
    int result, error;
    do {
        struct sigaction action = {.sa_handler = SIG_IGN};
        sigaction(SIGALRM, &action, NULL);
        char path[64], state[512] = "";
        sprintf(path, "/proc/%d/stat", child);
        int stat = open(path, O_RDONLY);
        read(stat, state, sizeof state - 1), close(stat);
        if (!strstr(state, ") S ")) { sched_yield(); result = 1; continue; }
        result = set(fd, F_SETLKW, F_WRLCK, 1), error = errno;
    } while (result == 1);
    printf("%d %s\n", result, test_errno_name(error));
    CALL(set(fd, F_SETLK, F_UNLCK, 0));
    int status = -1;
    MUST(waitpid(child, &status, 0));
    printf("child %d\n", status);
    CALL(set(fd, F_SETLK, F_WRLCK, 1));
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
