/* MADV_DONTFORK and MADV_WIPEONFORK; copy-on-write of much memory.
 */
#include "test.h"
#include <sys/wait.h>


int main(void) {
    char *gone = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *wiped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gone[0] = wiped[0] = 5;
    CALL(madvise(gone, PAGE, MADV_DONTFORK));
    CALL(madvise(wiped, PAGE, MADV_WIPEONFORK));
    size_t size = 8 << 20;
    char *much = malloc(size);
    memset(much, 'm', size);
    int status;
    pid_t child = fork();
    if (child == 0) {
        unsigned char vector;
        int absent = mincore(gone, PAGE, &vector) == -1 && errno == ENOMEM;
        int there = mincore(gone + PAGE, PAGE, &vector) == 0;
        size_t sum = 0;
        for (size_t i = 0; i < size; i += PAGE) sum += much[i] == 'm';
        memset(much, 'c', size);
        _exit(absent && there && wiped[0] == 0 && sum == size / PAGE ? 0 : 1);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    YES(gone[0] == 5 && wiped[0] == 5);
    size_t sum = 0;
    for (size_t i = 0; i < size; i += PAGE) sum += much[i] == 'm';
    YES(sum == size / PAGE);
    return 0;
}
