/* Without ICANON: VMIN and VTIME, short buffers, O_NONBLOCK, poll. */
#include "tty.h"
static int master, own;
static void mode(int min, int time) {
    struct termios t;
    MUST(tcgetattr(own, &t));
    cfmakeraw(&t);
    t.c_cc[VMIN] = (cc_t)min, t.c_cc[VTIME] = (cc_t)time;
    MUST(tcsetattr(own, TCSANOW, &t));
}
static void *later(void *text) {
    tty_type(master, text);
    return NULL;
}
static int ready(void) {
    struct pollfd p = {.fd = own, .events = POLLIN};
    return poll(&p, 1, 0);
}
int main(void) {
    char text[64];
    tty_open(&master, &own);
    mode(1, 0);
    tty_type(master, "a\n\003\004");
    tty_until(own, 4);
    CALL(read(own, text, 64));
    CALL(ready());
    mode(0, 0);
    CALL(read(own, text, 64));
    tty_type(master, "xy");
    tty_until(own, 2);
    CALL(read(own, text, 1));
    CALL(read(own, text, 64));
    mode(3, 0);
    tty_type(master, "ab");
    tty_until(own, 2);
    CALL(ready());
    pthread_t thread = test_start(later, "cd");
    CALL(read(own, text, 64) >= 3);
    pthread_join(thread, NULL);
    CALL(tcflush(own, TCIFLUSH));
    tty_type(master, "abcde");
    tty_until(own, 5);
    CALL(ready());
    CALL(read(own, text, 2));
    CALL(read(own, text, 64));
    mode(0, 1);
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    CALL(read(own, text, 64));
    YES(test_now_ns(CLOCK_MONOTONIC) - before >= 90000000);
    tty_type(master, "q");
    tty_until(own, 1);
    CALL(read(own, text, 64));
    mode(5, 1);
    tty_type(master, "no");
    tty_until(own, 2);
    CALL(read(own, text, 64));
    fcntl(own, F_SETFL, O_NONBLOCK);
    mode(5, 0);
    CALL(read(own, text, 64));
    tty_type(master, "pq");
    tty_until(own, 2);
    CALL(read(own, text, 64));
    mode(0, 0);
    CALL(read(own, text, 64));
    return 0;
}
