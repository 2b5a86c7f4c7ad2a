/* A program that is executed is attached to nothing; the segment stays, with its content.
 */
#include "test.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
int main(int argc, char **argv) {
    struct shmid_ds ds;
    if (argc > 1) {
        int id = atoi(argv[1]);
        MUST(shmctl(id, IPC_STAT, &ds));
        printf("executed: attached %lu\n", ds.shm_nattch);
        char *a = shmat(id, NULL, 0);
        printf("%s\n", a);
        strcpy(a, "written by the other program");
        return 0;
    }
    int id = MUST(shmget(IPC_PRIVATE, PAGE, 0600)), status;
    char *a = shmat(id, NULL, 0), number[16];
    strcpy(a, "written before");
    snprintf(number, sizeof number, "%d", id);
    pid_t child = MUST(fork());
    if (child == 0) {
        execl("/proc/self/exe", "self", number, NULL);
        _exit(99);
    }
    MUST(waitpid(child, &status, 0));
    CALL(WEXITSTATUS(status));
    printf("%s\n", a);
    MUST(shmctl(id, IPC_STAT, &ds));
    printf("attached %lu\n", ds.shm_nattch);
    CALL(shmctl(id, IPC_RMID, NULL));
    return 0;
}
