/* Anonymous shared memory over fork, made before and after; private memory is not shared.
 */
#include "test.h"
#include <sys/wait.h>


int main(void) {
    volatile int *before = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *before = *private = 1;
    int status;
    pid_t child = fork();
    if (child == 0) {
        *before += 10;
        *private += 10;
        /* Made by the child, for its own child. */
        volatile int *own = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t inner = fork();
        if (inner == 0) {
            own[PAGE / 2] = 77;
            *before += 100;
            _exit(0);
        }
        waitpid(inner, NULL, 0);
        _exit(own[PAGE / 2] == 77 && own[0] == 0 ? 0 : 1);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    printf("shared %d, private %d\n", *before, *private);
    volatile int *after = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *after = 5;
    child = fork();
    if (child == 0) {
        *after *= 3;
        munmap((void *)after, PAGE);
        _exit(0);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    printf("after %d\n", *after);
    /* A memfd that both map by themselves. */
    int fd = memfd_create("m", 0);
    MUST(ftruncate(fd, PAGE));
    child = fork();
    if (child == 0) {
        volatile int *theirs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        theirs[3] = 33;
        _exit(0);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    volatile int *ours = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int value;
    MUST(pread(fd, &value, sizeof value, 3 * sizeof value));
    printf("memfd %d %d\n", ours[3], value);
    return 0;
}
