/* TIOCPKT: data with a zero before it, and what was flushed, stopped and started. */
#include "tty.h"
static int master, own;
static void next(const char *what) {
    struct pollfd p = {.fd = master, .events = POLLIN | POLLPRI};
    unsigned char text[64];
    int n = poll(&p, 1, 2000);
    ssize_t got = n == 1 ? read(master, text, sizeof text) : -1;
    printf("%s: %d %#x, %zd:", what, n, (unsigned)p.revents, got);
    for (ssize_t i = 0; i < got; i++) printf(" %d", text[i]);
    puts("");
}
int main(void) {
    int on = 1;
    tty_open(&master, &own);
    CALL(ioctl(own, TIOCPKT, &on));
    CALL(ioctl(master, TIOCPKT, &on));
    CALL(ioctl(master, TIOCGPKT, &on));
    CALL(on);
    CALL(write(own, "data", 4));
    next("data");
    CALL(tcflush(own, TCIFLUSH));
    next("input flushed");
    CALL(tcflush(own, TCOFLUSH));
    next("output flushed");
    CALL(tcflow(own, TCOOFF));
    next("stopped");
    CALL(tcflow(own, TCOON));
    next("started");
    tty_type(master, "\023");
    tty_ready(own);
    next("stopped by a character");
    tty_type(master, "\021");
    tty_ready(own);
    next("started by a character");
    tty_change(own, ICRNL, OPOST, 0, 0);
    next("no flow control");
    tty_change(own, ICRNL | IXON, OPOST, 0, 0);
    next("flow control");
    CALL(write(own, "x", 1));
    next("one byte");
    on = 0;
    CALL(ioctl(master, TIOCPKT, &on));
    CALL(write(own, "plain", 5));
    next("plain");
    return 0;
}
