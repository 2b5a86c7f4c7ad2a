/* Output on its way to the master: newlines, carriage returns, tabs, by the flags. */
#include "tty.h"
int main(void) {
    int master, own;
    struct { tcflag_t flags; const char *name; } modes[] = {
        {0, "raw"}, {OPOST, "OPOST"}, {OPOST | ONLCR, "ONLCR"}, {OPOST | OCRNL, "OCRNL"}, {OPOST | ONOCR, "ONOCR"},
        {OPOST | ONLRET, "ONLRET"}, {OPOST | OLCUC, "OLCUC"}, {OPOST | XTABS, "XTABS"}, {ONLCR | XTABS, "without OPOST"},
    };
    tty_open(&master, &own);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        tty_change(own, ICRNL, modes[i].flags, 0, 0);
        const char text[] = "ab\ncd\r\r\tx\ty\b\tz\n";
        CALL(write(own, "\r\n", 2));
        tty_all("start", master);
        CALL(write(own, text, sizeof text - 1));
        tty_all(modes[i].name, master);
    }
    return 0;
}
