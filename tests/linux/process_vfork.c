/* vfork: the parent waits until the child ends or executes a program; memory is shared meanwhile.
 */
#include "test.h"
#include <sys/wait.h>


static volatile int shared = 1;

int main(void) {
    pid_t child = vfork();
    if (child == 0) {
        shared = 2;
        _exit(4);
    }
    YES(child > 0 && shared == 2);
    int status;
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 4);
    child = vfork();
    if (child == 0) {
        shared = 3;
        execl("/bin/sh", "sh", "-c", "exit 21", (char *)NULL);
        _exit(99);
    }
    YES(child > 0 && shared == 3);
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 21);
    child = vfork();
    if (child == 0) {
        execl("/nowhere", "nowhere", (char *)NULL);
        shared = errno == ENOENT ? 4 : 5;
        _exit(98);
    }
    YES(shared == 4);
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 98);
    return 0;
}
