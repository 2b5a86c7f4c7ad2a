/* What a terminal answers to who has another controlling terminal or none. */
#include "tty.h"
int main(void) {
    int master, own, n = 0;
    tty_open(&master, &own);
    CALL(tcgetpgrp(own));
    CALL(tcsetpgrp(own, getpgrp()));
    CALL(tcgetsid(own));
    CALL(ioctl(own, TIOCNOTTY));
    CALL(ioctl(master, TIOCNOTTY));
    CALL(ioctl(master, TIOCGPGRP, &n));
    CALL(n);
    CALL(ioctl(master, TIOCGSID, &n));
    tty_type(master, "\003after\n");
    char text[16];
    CALL(read(own, text, 16));
    tty_all("echo", master);
    return 0;
}
