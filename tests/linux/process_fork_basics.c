/* fork: memory of its own, exit status, the parent's number, what wait answers without children.
 */
#include "test.h"
#include <sys/wait.h>

static int counter = 7;

int main(void) {
    CALL(wait(NULL));
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        YES(getppid() == parent);
        YES(getpid() != parent);
        YES(gettid() == getpid());
        counter++;
        printf("child: counter %d\n", counter);
        exit(42);
    }
    MUST(child);
    int status = 0;
    YES(waitpid(child, &status, 0) == child);
    printf("parent: counter %d, exited %d with %d\n", counter, WIFEXITED(status), WEXITSTATUS(status));
    CALL(waitpid(child, &status, 0));
    /* Several, waited for in any order. */
    for (int i = 0; i < 5; i++)
        if (fork() == 0) _exit(i + 1);
    int sum = 0, count = 0;
    while (wait(&status) > 0) sum += WEXITSTATUS(status), count++;
    printf("%d children, statuses sum up to %d\n", count, sum);
    CALL(wait(NULL));
    return 0;
}
