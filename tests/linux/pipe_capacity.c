/* A full pipe refuses or takes a part; small writes are whole or nothing. */
#include "test.h"
int main(void) {
    static char block[100000];
    int ends[2];
    MUST(pipe2(ends, O_NONBLOCK));
    CALL(fcntl(ends[1], F_GETPIPE_SZ));
    CALL(write(ends[1], block, sizeof block));
    CALL(write(ends[1], block, 1));
    CALL(read(ends[0], block, 100));
    CALL(write(ends[1], block, 4096));
    CALL(read(ends[0], block, 4000));
    CALL(write(ends[1], block, 4096));
    CALL(read(ends[0], block, sizeof block));
    CALL(write(ends[1], block, 0));
    CALL(read(ends[0], block, 1));
    CALL(fcntl(ends[1], F_SETPIPE_SZ, 4096));
    CALL(write(ends[1], block, 10000));
    return 0;
}
