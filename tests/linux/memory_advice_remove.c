/* MADV_REMOVE makes a hole in what is mapped shared: all see zeros, private copies stay. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = numbered_file(4);
    char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    own[2 * PAGE] = 77;
    CALL(madvise(s + PAGE, 2 * PAGE, MADV_REMOVE));
    char byte = 9;
    CALL(pread(fd, &byte, 1, PAGE));
    printf("%d %d %d %d\n", byte, s[PAGE], s[2 * PAGE], s[3 * PAGE]);
    printf("%d %d %d\n", own[PAGE], own[2 * PAGE], own[3 * PAGE]);
    struct stat st;
    fstat(fd, &st);
    printf("%ld pages\n", (long)st.st_size / PAGE);
    CALL(mprotect(s, PAGE, PROT_READ));
    CALL(madvise(s, PAGE, MADV_REMOVE));
    CALL(mlock(s + 3 * PAGE, PAGE));
    CALL(madvise(s + 3 * PAGE, PAGE, MADV_REMOVE));
    CALL(munlock(s + 3 * PAGE, PAGE));
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory[PAGE] = 4;
    CALL(madvise(memory + PAGE, PAGE, MADV_REMOVE));
    READ(memory + PAGE);
    return 0;
}
