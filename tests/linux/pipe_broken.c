/* Writing to a pipe that nobody reads: EPIPE and SIGPIPE, also in the middle of a blocked write. */
#include "test.h"
static int p[2];
static volatile int signals;
static void on(int s) { signals++; }
static void *close_reader(void *arg) {
    char byte;
    MUST(read(p[0], &byte, 1));
    close(p[0]);
    return NULL;
}
int main(void) {
    static char block[1 << 20];
    signal(SIGPIPE, on);
    MUST(pipe(p));
    CALL(close(p[0]));
    CALL(write(p[1], "x", 1));
    CALL(signals);
    CALL(write(p[1], "", 0));
    CALL(signals);
    close(p[1]);
    MUST(pipe(p));
    MUST(fcntl(p[1], F_SETPIPE_SZ, 4096));
    pthread_t thread = test_start(close_reader, NULL);
    long wrote = write(p[1], block, sizeof block);
    pthread_join(thread, NULL);
    YES(wrote == 4096 || wrote == 8192 || wrote == -1);
    CALL(write(p[1], block, sizeof block));
    CALL(signals >= 2);
    signal(SIGPIPE, SIG_IGN);
    CALL(write(p[1], "x", 1));
    struct iovec part = {"abc", 3};
    CALL(writev(p[1], &part, 1));
    return 0;
}
