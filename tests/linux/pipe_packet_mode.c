/* O_DIRECT pipes: each write is a packet, cut off when it is read short; large writes become several packets. */
#include "test.h"
#include <sys/ioctl.h>
int main(void) {
    int p[2], waiting;
    static char block[10000];
    MUST(pipe2(p, O_DIRECT | O_NONBLOCK));
    YES(fcntl(p[1], F_GETFL) & O_DIRECT);
    CALL(write(p[1], "one", 3));
    CALL(write(p[1], "second", 6));
    CALL(write(p[1], "", 0));
    CALL(ioctl(p[0], FIONREAD, &waiting));
    CALL(waiting);
    CALL(read(p[0], block, 100));
    CALL(read(p[0], block, 2));
    CALL(read(p[0], block, 100));
    CALL(write(p[1], block, 10000));
    CALL(read(p[0], block, 10000));
    CALL(read(p[0], block, 10000));
    CALL(read(p[0], block, 10000));
    CALL(read(p[0], block, 10000));
    struct iovec parts[3] = {{"a", 1}, {"bc", 2}, {"def", 3}};
    CALL(writev(p[1], parts, 3));
    CALL(read(p[0], block, 100));
    int count = 0;
    while (write(p[1], "x", 1) == 1) count++;
    CALL(errno == EAGAIN);
    CALL(count);
    return 0;
}
