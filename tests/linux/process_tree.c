/* A tree of processes, some levels deep, each waiting for its children; sums come up through exit statuses.
 */
#include "test.h"
#include <sys/wait.h>


static int tree(int depth) {
    if (depth == 0) return 1;
    int sum = 1;
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) _exit(tree(depth - 1));
        if (child < 0) return 200;
    }
    int status;
    while (wait(&status) > 0) sum += WEXITSTATUS(status);
    return sum;
}

static int chain(int depth) {
    if (depth == 0) return 0;
    pid_t child = fork();
    if (child == 0) _exit(chain(depth - 1));
    int status;
    if (waitpid(child, &status, 0) != child) return 250;
    return WEXITSTATUS(status) + 1;
}

int main(void) {
    printf("%d\n", tree(3));
    printf("%d\n", chain(20));
    return 0;
}
