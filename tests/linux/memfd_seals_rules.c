/* F_ADD_SEALS and F_GET_SEALS: who may add what. */
#include "test.h"
int main(void) {
    char link[64];
    int plain = MUST(memfd_create("plain", 0)), fd = MUST(memfd_create("sealed", MFD_ALLOW_SEALING));
    CALL(fcntl(plain, F_GET_SEALS));
    CALL(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, 0x100));
    CALL(fcntl(fd, F_ADD_SEALS, 0));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    CALL(fcntl(fd, F_GET_SEALS));
    sprintf(link, "/proc/self/fd/%d", fd);
    int reading = MUST(open(link, O_RDONLY));
    CALL(fcntl(reading, F_GET_SEALS));
    CALL(fcntl(reading, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(fd, F_GET_SEALS));
    int pipe_ends[2];
    MUST(pipe(pipe_ends));
    CALL(fcntl(pipe_ends[1], F_GET_SEALS));
    CALL(fcntl(pipe_ends[1], F_ADD_SEALS, F_SEAL_SEAL));
    CALL(fcntl(999, F_GET_SEALS));
    int folder = MUST(open("/", O_RDONLY));
    CALL(fcntl(folder, F_ADD_SEALS, F_SEAL_SEAL));
    return 0;
}
