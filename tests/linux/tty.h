/* Pseudo-terminals of the tests. */
#ifndef TTY_H
#define TTY_H
#include "test.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

/* A new terminal: the master's descriptor and that of its own side. */
static inline void tty_open(int *master, int *own) {
    char name[64];
    *master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
    MUST(grantpt(*master));
    MUST(unlockpt(*master));
    if (ptsname_r(*master, name, sizeof name)) MUST(-1);
    *own = (int)MUST(open(name, O_RDWR | O_NOCTTY));
}

static inline void tty_change(int fd, tcflag_t input, tcflag_t output, tcflag_t local_off, tcflag_t local_on) {
    struct termios t;
    MUST(tcgetattr(fd, &t));
    t.c_iflag = input, t.c_oflag = output;
    t.c_lflag = (t.c_lflag & ~local_off) | local_on;
    MUST(tcsetattr(fd, TCSANOW, &t));
}

static inline int tty_ready(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

/* Everything that a side has to read, printed with escapes. Asking whether there is something makes Linux, too, look
 * at what is on its way. */
static inline void tty_all(const char *what, int fd) {
    char text[8192];
    size_t got = 0;
    while (tty_ready(fd) && got < sizeof text) {
        ssize_t n = read(fd, text + got, sizeof text - got);
        if (n <= 0) break;
        got += (size_t)n;
    }
    printf("%s: %zu \"", what, got);
    for (size_t i = 0; i < got; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 32 || c > 126 || c == '\\') printf("\\%03o", c);
        else putchar(c);
    }
    puts("\"");
}

/* Until this many bytes can be read. */
static inline void tty_until(int fd, int wanted) {
    for (int n = 0; n < wanted; sched_yield()) {
        tty_ready(fd);
        MUST(ioctl(fd, FIONREAD, &n));
    }
}

static inline void tty_type(int master, const char *text) {
    if (write(master, text, strlen(text)) != (ssize_t)strlen(text)) puts("typing failed");
}
#endif
