/* Stop and start characters and tcflow hold output back; without IXON they are input. */
#include "tty.h"
static int master, own;
static void *writer(void *arg) { return (void *)write(own, "held", 4); }
int main(void) {
    void *got;
    char text[16];
    tty_open(&master, &own);
    struct pollfd p = {.fd = master, .events = POLLIN};
    CALL(tcflow(own, TCOOFF));
    pthread_t thread = test_start(writer, NULL);
    CALL(poll(&p, 1, 20));
    tty_type(master, "\021");
    tty_ready(own);
    CALL(poll(&p, 1, 20));
    CALL(tcflow(own, TCOON));
    pthread_join(thread, &got);
    CALL((long)got);
    tty_all("after start", master);
    tty_type(master, "\023");
    tty_ready(own);
    CALL(fcntl(own, F_SETFL, O_NONBLOCK));
    CALL(write(own, "x", 1));
    CALL(tcflow(own, TCOON));
    CALL(write(own, "y", 1));
    tty_type(master, "\023\003");
    tty_ready(own);
    CALL(write(own, "z", 1));
    tty_all("interrupted", master);
    tty_change(own, 0, 0, ICANON | ECHO | ISIG, 0);
    tty_type(master, "\023\021");
    tty_until(own, 2);
    CALL(read(own, text, 16));
    CALL(tcflow(own, TCIOFF));
    tty_all("TCIOFF", master);
    CALL(tcflow(own, TCION));
    tty_all("TCION", master);
    return 0;
}
