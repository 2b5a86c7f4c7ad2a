/* Raw exits: a thread that ends by exit(2) alone wakes its joiner through clear_child_tid. */
#include "test.h"
static void *leave(void *arg) {
    *(int *)arg = 5;
    syscall(SYS_exit, 7);
    return NULL;
}
int main(void) {
    int seen = 0;
    for (int i = 0; i < 20; i++) {
        seen = 0;
        pthread_join(test_start(leave, &seen), NULL);
        if (seen != 5) puts("not seen");
    }
    int word = 1;
    pid_t tid = (pid_t)syscall(SYS_set_tid_address, &word);
    YES(tid == getpid());
    syscall(SYS_exit_group, 11);
}
