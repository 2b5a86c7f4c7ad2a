/* What poll says of both ends of a pipe in each state. */
#include "test.h"
#include <poll.h>
static void show(const char *what, int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM};
    int n = poll(&p, 1, 0);
    printf("%s: %d %#x\n", what, n, (unsigned)p.revents);
}
int main(void) {
    int p[2];
    static char block[65536];
    MUST(pipe2(p, O_NONBLOCK));
    show("empty, reader", p[0]);
    show("empty, writer", p[1]);
    write(p[1], block, 10);
    show("some, reader", p[0]);
    show("some, writer", p[1]);
    while (write(p[1], block, 4096) > 0) {}
    show("full, writer", p[1]);
    read(p[0], block, 100);
    show("full but 100, writer", p[1]);
    read(p[0], block, 4096);
    show("page free, writer", p[1]);
    close(p[1]);
    show("no writer, bytes left", p[0]);
    while (read(p[0], block, sizeof block) > 0) {}
    show("no writer, empty", p[0]);
    close(p[0]);
    MUST(pipe2(p, O_NONBLOCK));
    close(p[0]);
    show("no reader", p[1]);
    show("closed", p[0]);
    return 0;
}
