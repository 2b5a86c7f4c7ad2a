/* F_SEAL_WRITE: not while a shared mapping can write; then neither write nor such a mapping. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = MUST(memfd_create("m", MFD_ALLOW_SEALING));
    CALL(ftruncate(fd, 2 * PAGE));
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    shared[0] = 3;
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(mprotect(shared, PAGE, PROT_READ));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(munmap(shared, PAGE));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(write(fd, "x", 1));
    CALL(pwrite(fd, "x", 1, 1));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    CALL(ftruncate(fd, PAGE));
    MAPS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    MAPS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    WRITE(own, 4);
    READ(own);
    char byte = 0;
    CALL(pread(fd, &byte, 1, 0));
    printf("%d\n", byte);
    return 0;
}
