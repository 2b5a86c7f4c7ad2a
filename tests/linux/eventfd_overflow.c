/* The eventfd counter: its largest value, EAGAIN instead of overflow, readiness for writing. */
#include "test.h"
#include <poll.h>
#include <sys/eventfd.h>
static void show(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    int n = poll(&p, 1, 0);
    printf("poll: %d %#x\n", n, (unsigned)p.revents);
}
int main(void) {
    uint64_t value = UINT64_MAX - 1, got;
    int fd = MUST(eventfd(0, EFD_NONBLOCK));
    show(fd);
    CALL(write(fd, &value, 8));
    show(fd);
    value = 1;
    CALL(write(fd, &value, 8));
    value = 0;
    CALL(write(fd, &value, 8));
    CALL(read(fd, &got, 8));
    YES(got == UINT64_MAX - 1);
    show(fd);
    value = UINT64_MAX;
    CALL(write(fd, &value, 8));
    value = UINT64_MAX - 2;
    CALL(write(fd, &value, 8));
    value = 1;
    CALL(write(fd, &value, 8));
    show(fd);
    CALL(write(fd, &value, 8));
    CALL(read(fd, &got, 8));
    CALL(read(fd, &got, 8));
    value = 0;
    CALL(write(fd, &value, 8));
    show(fd);
    return 0;
}
