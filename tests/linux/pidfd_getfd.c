/* pidfd_getfd takes another process's descriptor: the same open file, with FD_CLOEXEC.
 */
#include "test.h"
#include <sys/wait.h>
int main(void) {
    int ready[2], text[2], number, status;
    char bytes[32] = "";
    MUST(pipe(ready));
    pid_t child = MUST(fork());
    if (child == 0) {
        int own[2];
        MUST(pipe(own));
        MUST(write(own[1], "of the child", 12));
        MUST(write(ready[1], own, sizeof own));
        for (;;) pause();
    }
    MUST(read(ready[0], text, sizeof text));
    int fd = MUST(syscall(SYS_pidfd_open, child, 0));
    number = MUST(syscall(SYS_pidfd_getfd, fd, text[0], 0));
    CALL(fcntl(number, F_GETFD));
    CALL(read(number, bytes, sizeof bytes));
    puts(bytes);
    int end = MUST(syscall(SYS_pidfd_getfd, fd, text[1], 0));
    CALL(write(end, "back", 4));
    CALL(read(number, bytes, sizeof bytes));
    MUST(kill(child, SIGKILL));
    MUST(waitpid(child, &status, 0));
    close(end);
    CALL(read(number, bytes, sizeof bytes));
    return 0;
}
