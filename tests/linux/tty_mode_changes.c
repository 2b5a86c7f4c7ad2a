/* Changing between lines and raw bytes loses nothing; TCSAFLUSH and tcflush drop input. */
#include "tty.h"
int main(void) {
    int master, own, n;
    char text[64];
    struct termios t, raw;
    tty_open(&master, &own);
    MUST(tcgetattr(own, &t));
    raw = t;
    cfmakeraw(&raw);
    tty_type(master, "line\n");
    tty_until(own, 5);
    CALL(read(own, text, 64));
    tty_type(master, "half");
    tty_ready(own);
    CALL(tcsetattr(own, TCSANOW, &raw));
    CALL(ioctl(own, FIONREAD, &n));
    CALL(n);
    CALL(read(own, text, 64));
    tty_type(master, "raw");
    tty_until(own, 3);
    CALL(tcsetattr(own, TCSAFLUSH, &t));
    fcntl(own, F_SETFL, O_NONBLOCK);
    CALL(read(own, text, 64));
    tty_type(master, "one\ntwo\n");
    tty_until(own, 8);
    CALL(ioctl(own, FIONREAD, &n));
    CALL(n);
    CALL(read(own, text, 2));
    CALL(read(own, text, 64));
    CALL(tcflush(own, TCIFLUSH));
    CALL(read(own, text, 64));
    tty_type(master, "edited");
    tty_ready(own);
    CALL(tcflush(own, TCIOFLUSH));
    tty_type(master, "new\n");
    tty_until(own, 4);
    CALL(read(own, text, 64));
    CALL(tcflush(own, 77));
    CALL(tcdrain(own));
    CALL(tcsendbreak(own, 0));
    CALL(tcflow(own, 77));
    return 0;
}
