/* The ends of a terminal: EIO at the master without another side, end of file and EIO at a terminal without master. */
#include "tty.h"
static void show(const char *what, int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
    int n = poll(&p, 1, 0);
    printf("%s: %d %#x\n", what, n, (unsigned)p.revents);
}
static void *reader(void *fd) {
    char byte;
    return (void *)read(*(int *)fd, &byte, 1);
}
int main(void) {
    int master, own;
    char text[16], name[64];
    struct termios t;
    void *got;
    tty_open(&master, &own);
    if (ptsname_r(master, name, sizeof name)) return 1;
    show("master", master), show("own", own);
    CALL(write(own, "last", 4));
    CALL(close(own));
    show("left", master);
    CALL(read(master, text, 16));
    CALL(read(master, text, 16));
    show("left, empty", master);
    own = MUST(open(name, O_RDWR | O_NOCTTY));
    show("own again", own);
    show("again", master);
    CALL(write(own, "y", 1));
    CALL(read(master, text, 16));
    pthread_t thread = test_start(reader, &own);
    CALL(close(master));
    pthread_join(thread, &got);
    /* End of file or EIO: whether the read has begun when the other side goes is not ours to say. */
    YES((long)got <= 0);
    show("without master", own);
    CALL(read(own, text, 16));
    CALL(write(own, "z", 1));
    CALL(tcgetattr(own, &t));
    CALL(isatty(own));
    CALL(ioctl(own, TIOCGWINSZ, text));
    CALL(open(name, O_RDWR | O_NOCTTY));
    master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
    show("never opened", master);
    CALL(read(master, text, 16));
    CALL(write(master, "kept\n", 5));
    return 0;
}
