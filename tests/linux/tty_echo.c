/* What is echoed of letters, control characters, erasing, killing and newlines, by the flags that say so. */
#include "tty.h"
static int master, own;
static void type(const char *typed) {
    tty_type(master, typed);
    char what[64] = "";
    for (const char *c = typed; *c; c++) snprintf(what + strlen(what), sizeof what - strlen(what), *c < 32 || *c > 126 ? "\\%03o" : "%c", (unsigned char)*c);
    char line[64];
    while (read(own, line, sizeof line) >= 0) {}
    tty_all(what, master);
}
int main(void) {
    tty_open(&master, &own);
    fcntl(own, F_SETFL, O_NONBLOCK);
    type("ab"), type("\177"), type("\177"), type("\177"), type("x\ty"), type("\177"), type("\177"), type("\177");
    type("\001"), type("\177"), type("word two"), type("\027"), type("\025"), type("abc"), type("\022"), type("\n");
    type("\026"), type("\001"), type("\004");
    tty_change(own, ICRNL | IXON, OPOST | ONLCR, ECHOE | ECHOKE, 0);
    type("ab\177"), type("\025"), type("\n");
    tty_change(own, ICRNL | IXON, OPOST | ONLCR, ECHOK | ECHOCTL, 0);
    type("\001"), type("a\177"), type("b\025"), type("\n");
    tty_change(own, ICRNL, OPOST, ECHO, ECHONL);
    type("secret"), type("\n");
    tty_change(own, ICRNL, OPOST | ONLCR, ECHONL | ICANON, ECHO | ECHOCTL);
    type("r\177\r\n\001");
    tty_change(own, 0, 0, 0, 0);
    type("r\r\n");
    return 0;
}
