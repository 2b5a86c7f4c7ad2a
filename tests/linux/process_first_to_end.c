/* Children end one after the other while their parent does something else: their parent is told of each, and a grandchild
 * that stays behind is told of its new parent. */
#include "test.h"
#include <sys/wait.h>

static volatile sig_atomic_t told;

static void on_child(int signal) {
    (void)signal;
    told++;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    MUST(sigaction(SIGCHLD, &action, NULL));
    int line[2], orphan[2];
    MUST(pipe(line));
    MUST(pipe(orphan));
    for (int i = 0; i < 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (i == 2 && fork() == 0) {
                /* Its parent is gone when the other end is closed everywhere but here. */
                char byte;
                if (read(orphan[0], &byte, 1) != 1) _exit(1);
                const char *answer = getppid() == 1 ? "adopted\n" : "not adopted\n";
                if (write(line[1], answer, strlen(answer)) < 0) _exit(1);
                _exit(0);
            }
            dprintf(line[1], "child %d\n", i);
            _exit(i);
        }
        char text[32];
        ssize_t len = MUST(read(line[0], text, sizeof text));
        printf("%.*s", (int)len, text);
        int status;
        YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == i);
    }
    MUST(write(orphan[1], "", 1));
    char text[32];
    ssize_t len = MUST(read(line[0], text, sizeof text));
    printf("%.*s", (int)len, text);
    YES(told >= 1);
    return 0;
}
