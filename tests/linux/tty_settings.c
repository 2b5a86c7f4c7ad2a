/* Settings and sizes: defaults, what is kept, from both sides; requests that are refused. */
#include "tty.h"
static void show(int fd) {
    struct termios t;
    MUST(tcgetattr(fd, &t));
    printf("%#o %#o %#o %#o:", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
    for (int i = 0; i < 17; i++) printf(" %d", t.c_cc[i]);
    printf(" speed %d\n", cfgetospeed(&t) == B38400);
}
int main(void) {
    int master, own, n;
    struct winsize w = {1, 2, 3, 4};
    struct termios t;
    tty_open(&master, &own);
    show(own), show(master);
    CALL(ioctl(own, TIOCGWINSZ, &w));
    printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    w = (struct winsize){30, 100, 5, 6};
    CALL(ioctl(master, TIOCSWINSZ, &w));
    memset(&w, 0, sizeof w);
    CALL(ioctl(own, TIOCGWINSZ, &w));
    printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    MUST(tcgetattr(master, &t));
    t.c_lflag &= ~(tcflag_t)ECHO, t.c_cc[VINTR] = 7;
    CALL(tcsetattr(master, TCSADRAIN, &t));
    show(own);
    CALL(isatty(own) + isatty(master));
    CALL(ioctl(own, TIOCGETD, &n));
    CALL(n);
    CALL(ioctl(own, TIOCGPTN, &n));
    CALL(ioctl(own, 0x54fe, &n));
    CALL(ioctl(own, TCGETS, (void *)8));
    CALL(ioctl(own, TCSETS, (void *)8));
    CALL(ioctl(own, TIOCSWINSZ, (void *)8));
    CALL(ioctl(own, TIOCMGET, &n));
    CALL(ioctl(own, TIOCOUTQ, &n));
    CALL(n);
    CALL(tcsetattr(own, 77, &t));
    CALL(lseek(own, 0, SEEK_SET));
    CALL(lseek(master, 0, SEEK_SET));
    CALL(pread(own, &n, 1, 0));
    CALL(ftruncate(own, 0));
    CALL(mmap(NULL, 4096, PROT_READ, MAP_SHARED, own, 0) == MAP_FAILED);
    return 0;
}
