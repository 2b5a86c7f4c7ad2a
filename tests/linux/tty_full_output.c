/* A writer waits when nobody reads the master, and goes on when somebody does; O_NONBLOCK answers EAGAIN. */
#include "tty.h"
static int master, own;
enum { ALL = 300000 };
static void *writer(void *arg) {
    static char block[ALL];
    memset(block, 'w', sizeof block);
    return (void *)write(own, block, sizeof block);
}
int main(void) {
    static char text[65536];
    void *got;
    tty_open(&master, &own);
    tty_change(own, 0, 0, ECHO, 0);
    pthread_t thread = test_start(writer, NULL);
    long bytes = 0;
    while (bytes < ALL) bytes += MUST(read(master, text, sizeof text));
    pthread_join(thread, &got);
    CALL((long)got);
    CALL(bytes);
    fcntl(own, F_SETFL, O_NONBLOCK);
    long n, sent = 0;
    struct pollfd p = {.fd = own, .events = POLLOUT};
    /* Linux moves what was written on to the master by and by: full is what stays full. */
    do {
        while ((n = write(own, text, 4096)) > 0) sent += n;
        if (n != -1 || errno != EAGAIN) break;
        n = poll(&p, 1, 0);
    } while (n == 1);
    YES(n == 0);
    bytes = 0;
    while (bytes < sent) bytes += MUST(read(master, text, sizeof text));
    CALL(bytes == sent);
    CALL(poll(&p, 1, 5000));
    return 0;
}
