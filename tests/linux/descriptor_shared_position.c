/* What duplicates share and what they do not: position and status flags, not close-on-exec; forked and passed ones, too.
 */
#include "test.h"
#include <sys/wait.h>
int main(void) {
    test_scratch_directory();
    test_write_file("file", "0123456789");
    int a = MUST(open("file", O_RDWR)), b = MUST(dup(a)), c = MUST(open("file", O_RDWR));
    char out[16] = "";
    CALL(read(a, out, 3));
    CALL(lseek(b, 0, SEEK_CUR));
    CALL(lseek(c, 0, SEEK_CUR));
    CALL(fcntl(b, F_SETFL, O_APPEND));
    printf("%d %d %d\n", fcntl(a, F_GETFL) & O_APPEND, fcntl(b, F_GETFL) & O_APPEND, fcntl(c, F_GETFL) & O_APPEND);
    CALL(fcntl(b, F_SETFD, 1));
    printf("%d %d\n", fcntl(a, F_GETFD), fcntl(b, F_GETFD));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char inner[4];
        read(a, inner, 2);
        lseek(c, 7, SEEK_SET);
        close(b);
        _exit(0);
    }
    int status;
    MUST(waitpid(child, &status, 0));
    printf("%d\n", status);
    CALL(lseek(a, 0, SEEK_CUR));
    CALL(lseek(c, 0, SEEK_CUR));
    CALL(close(b));
    CALL(lseek(a, 0, SEEK_CUR));
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
