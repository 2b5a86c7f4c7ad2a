/* Lines: erasing characters, words and lines, literal characters, ends of lines and of files. */
#include "tty.h"
static int master, own;
static void line(const char *typed) {
    char text[64];
    struct pollfd p = {.fd = own, .events = POLLIN};
    tty_type(master, typed);
    printf("%d ", poll(&p, 1, 2000));
    ssize_t n = read(own, text, sizeof text);
    printf("%zd:", n);
    for (ssize_t i = 0; i < n; i++) printf(" %d", text[i]);
    puts("");
    tcflush(master, TCIFLUSH);
}
int main(void) {
    tty_open(&master, &own);
    line("abc\n");
    line("abX\177c\n");
    line("one two\027three\n");
    line("one  two   \027x\n");
    line("forget this\025kept\n");
    line("\177\177\025\027ok\n");
    line("\026\003\026\177\n");
    line("carriage\r");
    line("part\004");
    line("\004");
    line("tab\tx\n");
    struct termios t;
    MUST(tcgetattr(own, &t));
    t.c_cc[VEOL] = ';';
    MUST(tcsetattr(own, TCSANOW, &t));
    line("a;");
    t.c_cc[VERASE] = '#', t.c_cc[VKILL] = '@';
    MUST(tcsetattr(own, TCSANOW, &t));
    line("ab#c\177\n");
    line("ab@c\n");
    t.c_iflag &= ~(tcflag_t)ICRNL, t.c_iflag |= INLCR;
    MUST(tcsetattr(own, TCSANOW, &t));
    line("x\n;");
    t.c_iflag |= IGNCR, t.c_iflag &= ~(tcflag_t)INLCR;
    MUST(tcsetattr(own, TCSANOW, &t));
    line("x\ry\n");
    t.c_iflag |= ISTRIP;
    MUST(tcsetattr(own, TCSANOW, &t));
    line("\341\n");
    return 0;
}
