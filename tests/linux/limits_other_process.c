/* prlimit of another process, and its refusals.
 * test: needs root
 */
#include "test.h"
#include <sys/resource.h>
#include <sys/wait.h>
int main(void) {
    int go[2], done[2];
    char byte;
    struct rlimit limit = {100, 200}, old, bad = {5, 4}, huge = {1 << 21, 1 << 21};
    MUST(pipe(go)), MUST(pipe(done));
    pid_t child = MUST(fork());
    if (child == 0) {
        MUST(read(go[0], &byte, 1));
        getrlimit(RLIMIT_NOFILE, &old);
        printf("child: %ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
        CALL(dup2(0, 150));
        CALL(dup2(0, 50));
        MUST(write(done[1], "x", 1));
        MUST(read(go[0], &byte, 1));
        _exit(0);
    }
    CALL(prlimit(child, RLIMIT_NOFILE, &limit, &old));
    YES(old.rlim_cur > 200);
    CALL(prlimit(child, RLIMIT_NOFILE, NULL, &old));
    printf("%ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
    CALL(prlimit(0, RLIMIT_NOFILE, NULL, &old));
    YES(old.rlim_cur > 200);
    MUST(write(go[1], "x", 1));
    MUST(read(done[0], &byte, 1));
    CALL(prlimit(0x3ffffff0, RLIMIT_NOFILE, NULL, &old));
    CALL(prlimit(-1, RLIMIT_NOFILE, NULL, &old));
    CALL(prlimit(0, 16, NULL, &old));
    CALL(prlimit(0, -1, NULL, &old));
    CALL(prlimit(0, RLIMIT_NOFILE, &bad, NULL));
    CALL(prlimit(0, RLIMIT_NOFILE, &huge, NULL));
    CALL(prlimit(0, RLIMIT_NOFILE, (void *)8, NULL));
    CALL(prlimit(0, RLIMIT_NOFILE, NULL, (void *)8));
    CALL(getrlimit(16, &old));
    CALL(getrlimit(RLIMIT_CPU, (void *)8));
    CALL(setrlimit(RLIMIT_CPU, (void *)8));
    CALL(setrlimit(99, &limit));
    MUST(setresuid(1000, 1000, 1000));
    CALL(prlimit(child, RLIMIT_NOFILE, NULL, &old));
    limit.rlim_max = 1 << 20;
    CALL(prlimit(0, RLIMIT_NOFILE, &limit, NULL));
    MUST(write(go[1], "x", 1));
    waitpid(child, NULL, 0);
    return 0;
}
