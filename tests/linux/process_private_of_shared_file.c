/* A file mapped privately by parent and child, each with pages of its own, and shared by both: who has written to a page
 * keeps it, everybody else sees the file. */
#include "test.h"
#include <sys/wait.h>

int main(void) {
    int file = MUST(open("/tmp/process_private_of_shared_file", O_RDWR | O_CREAT | O_TRUNC, 0600));
    MUST(unlink("/tmp/process_private_of_shared_file"));
    MUST(ftruncate(file, 4 * PAGE));
    char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    for (int page = 0; page < 4; page++) shared[page * PAGE] = (char)('a' + page);
    private[0] = 'P';
    int go[2], back[2];
    MUST(pipe(go));
    MUST(pipe(back));
    pid_t child = fork();
    if (child == 0) {
        char byte;
        private[PAGE] = 'C';
        shared[3 * PAGE] = 'D';
        if (write(back[1], "", 1) != 1 || read(go[0], &byte, 1) != 1) _exit(1);
        char seen[5] = {private[0], private[PAGE], private[2 * PAGE], private[3 * PAGE], 0};
        if (write(back[1], seen, 5) != 5) _exit(1);
        _exit(0);
    }
    char seen[5];
    MUST(read(back[0], seen, 1));
    shared[2 * PAGE] = 'S';
    private[3 * PAGE + 1] = 'p';
    shared[PAGE] = 's';
    MUST(write(go[1], "", 1));
    MUST(read(back[0], seen, 5));
    printf("child  %s\n", seen);
    printf("parent %c%c%c%c\n", private[0], private[PAGE], private[2 * PAGE], private[3 * PAGE]);
    char bytes[4];
    for (int page = 0; page < 4; page++) MUST(pread(file, bytes + page, 1, page * PAGE));
    printf("file   %.4s\n", bytes);
    int status;
    YES(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
