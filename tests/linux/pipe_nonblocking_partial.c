/* O_NONBLOCK writes: whole or EAGAIN up to PIPE_BUF, as much as fits beyond; a page counts as a whole. */
#include "test.h"
int main(void) {
    int p[2];
    static char block[200000];
    MUST(pipe2(p, O_NONBLOCK));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 16384));
    CALL(write(p[1], block, sizeof block));
    CALL(write(p[1], block, 1));
    CALL(read(p[0], block, 4096));
    CALL(write(p[1], block, 4096));
    CALL(write(p[1], block, 4096));
    CALL(read(p[0], block, 8192));
    CALL(write(p[1], block, 100));
    CALL(write(p[1], block, 4096));
    CALL(read(p[0], block, sizeof block));
    CALL(read(p[0], block, 1));
    CALL(write(p[1], block, 20000));
    CALL(read(p[0], block, sizeof block));
    CALL(fcntl(p[1], F_SETFL, 0));
    CALL(write(p[1], block, 16384));
    CALL(fcntl(p[1], F_SETFL, O_NONBLOCK));
    CALL(write(p[1], block, 16384));
    return 0;
}
