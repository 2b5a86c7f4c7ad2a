/* F_SETPIPE_SZ and F_GETPIPE_SZ: rounding to powers of two of pages, refusals, no shrinking below what is inside. */
#include "test.h"
int main(void) {
    int p[2], other = MUST(open("/dev/null", O_RDWR));
    static char block[1 << 16];
    MUST(pipe(p));
    CALL(fcntl(p[0], F_GETPIPE_SZ));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 1));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 4096));
    CALL(fcntl(p[0], F_SETPIPE_SZ, 4097));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 3 * 4096));
    CALL(fcntl(p[1], F_GETPIPE_SZ));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
    CALL(fcntl(p[1], F_SETPIPE_SZ, -1));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 0x80000001u));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 65536));
    CALL(write(p[1], block, 40000));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 32768));
    CALL(fcntl(p[1], F_GETPIPE_SZ));
    CALL(read(p[0], block, 20000));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 32768));
    CALL(fcntl(p[1], F_GETPIPE_SZ));
    CALL(fcntl(other, F_GETPIPE_SZ));
    CALL(fcntl(other, F_SETPIPE_SZ, 4096));
    CALL(fcntl(-1, F_GETPIPE_SZ));
    return 0;
}
