/* F_SEAL_SHRINK and F_SEAL_GROW, at ftruncate, write, fallocate and O_TRUNC. */
#include "test.h"
int main(void) {
    char link[64];
    int fd = MUST(memfd_create("m", MFD_ALLOW_SEALING));
    CALL(ftruncate(fd, 100));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    CALL(ftruncate(fd, 99));
    CALL(ftruncate(fd, 100));
    CALL(ftruncate(fd, 200));
    sprintf(link, "/proc/self/fd/%d", fd);
    CALL(open(link, O_RDWR | O_TRUNC));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    CALL(ftruncate(fd, 201));
    CALL(pwrite(fd, "0123456789", 10, 190));
    CALL(pwrite(fd, "0123456789", 10, 200));
    CALL(pwrite(fd, "0123456789", 10, 195));
    CALL(pwrite(fd, "", 0, 300));
    CALL(fallocate(fd, 0, 0, 201));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
    CALL(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 300));
    struct stat st;
    CALL(fstat(fd, &st));
    printf("%ld bytes\n", (long)st.st_size);
    return 0;
}
