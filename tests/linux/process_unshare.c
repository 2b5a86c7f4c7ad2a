/* unshare: descriptors and working directory of one's own, and what a process of several threads can't leave.
 */
#include "test.h"
#include <sys/wait.h>
static int body(void *arg) {
    (void)arg;
    CALL(unshare(CLONE_FILES));
    close(9);
    CALL(unshare(CLONE_FS));
    chdir("/tmp");
    umask(077);
    return 0;
}
static pthread_barrier_t barrier;
static void *thread_body(void *arg) {
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}
int main(void) {
    static char stack[65536];
    char directory[64];
    int status;
    MUST(dup2(1, 9));
    umask(022);
    MUST(chdir("/"));
    pid_t child = MUST(clone(body, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
    MUST(waitpid(child, &status, 0));
    CALL(fcntl(9, F_GETFD));
    puts(getcwd(directory, sizeof directory));
    printf("%o\n", umask(0));
    CALL(unshare(CLONE_SYSVSEM));
    CALL(unshare(CLONE_THREAD));
    CALL(unshare(CLONE_SIGHAND));
    CALL(unshare(CLONE_VM));
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t thread = test_start(thread_body, NULL);
    pthread_barrier_wait(&barrier);
    CALL(unshare(CLONE_THREAD));
    CALL(unshare(CLONE_SIGHAND));
    CALL(unshare(CLONE_VM));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}
