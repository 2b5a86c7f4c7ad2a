/* Pipes between processes: data both ways, end of file when the last writer is gone, SIGPIPE.
 */
#include "test.h"
#include <sys/wait.h>

int main(void) {
    int down[2], up[2];
    MUST(pipe(down));
    MUST(pipe(up));
    pid_t child = fork();
    if (child == 0) {
        close(down[1]);
        close(up[0]);
        char buffer[64];
        ssize_t got;
        while ((got = read(down[0], buffer, sizeof buffer)) > 0) {
            for (ssize_t i = 0; i < got; i++) buffer[i] ^= 0x20;
            if (write(up[1], buffer, (size_t)got) != got) _exit(1);
        }
        _exit(got == 0 ? 0 : 2);
    }
    close(down[0]);
    close(up[1]);
    char answer[64];
    for (int i = 0; i < 200; i++) {
        if (write(down[1], "hello", 5) != 5) MUST(-1);
        size_t have = 0;
        while (have < 5) {
            ssize_t got = read(up[0], answer + have, 5 - have);
            if (got <= 0) MUST(-1);
            have += (size_t)got;
        }
        if (memcmp(answer, "HELLO", 5)) MUST(-1);
    }
    printf("%.5s\n", answer);
    close(down[1]);
    CALL(read(up[0], answer, 1));
    int status;
    YES(waitpid(child, &status, 0) == child);
    YES(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* Much data, more than a pipe holds. */
    MUST(pipe(up));
    child = fork();
    if (child == 0) {
        close(up[0]);
        static char block[100000];
        memset(block, 'x', sizeof block);
        for (int i = 0; i < 10; i++) {
            size_t done = 0;
            while (done < sizeof block) {
                ssize_t n = write(up[1], block + done, sizeof block - done);
                if (n < 0) _exit(1);
                done += (size_t)n;
            }
        }
        _exit(0);
    }
    close(up[1]);
    static char into[70000];
    long total = 0;
    ssize_t got;
    while ((got = read(up[0], into, sizeof into)) > 0) total += got;
    printf("%ld bytes\n", total);
    YES(waitpid(child, &status, 0) == child && status == 0);
    /* A writer without readers. */
    MUST(pipe(up));
    MUST(pipe(down));
    child = fork();
    if (child == 0) {
        close(up[0]);
        close(down[1]);
        char go;
        (void)!read(down[0], &go, 1);
        (void)!write(up[1], "x", 1);
        _exit(0);
    }
    close(up[0]);
    close(down[1]); /* now it writes */
    YES(waitpid(child, &status, 0) == child);
    YES(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    return 0;
}
