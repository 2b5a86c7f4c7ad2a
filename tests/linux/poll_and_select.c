/* poll, ppoll, select and pselect see the same. */
#include "test.h"
#include <poll.h>
#include <sys/select.h>
static void show(struct pollfd *p) {
    printf("revents%s%s%s%s%s\n", p->revents & POLLIN ? " in" : "", p->revents & POLLOUT ? " out" : "",
           p->revents & POLLHUP ? " hup" : "", p->revents & POLLERR ? " err" : "", p->revents & POLLNVAL ? " nval" : "");
}
static void *write_later(void *fd) {
    test_sleep_ms(10);
    write((int)(long)fd, "x", 1);
    return NULL;
}
int main(void) {
    int ends[2];
    char byte;
    MUST(pipe(ends));
    struct pollfd p[3] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}, {.fd = -5, .events = POLLIN}};
    CALL(poll(p, 3, 0));
    show(p), show(p + 1), show(p + 2);
    pthread_t thread = test_start(write_later, (void *)(long)ends[1]);
    CALL(poll(p, 1, 10000));
    show(p);
    pthread_join(thread, NULL);
    read(ends[0], &byte, 1);
    p[2].fd = 77;
    CALL(poll(p + 2, 1, 0));
    show(p + 2);
    int64_t before = test_now_ns(CLOCK_MONOTONIC);
    CALL(poll(NULL, 0, 15));
    YES(test_now_ns(CLOCK_MONOTONIC) - before >= 15000000);
    struct timespec brief = {0, 5000000}, bad = {0, -1};
    CALL(ppoll(p, 1, &brief, NULL));
    CALL(ppoll(p, 1, &bad, NULL));
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    struct timeval none = {0, 0}, while_tv = {0, 5000};
    CALL(select(ends[1] + 1, &in, &out, NULL, &none));
    YES(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    FD_SET(ends[0], &in);
    CALL(select(ends[0] + 1, &in, NULL, NULL, &while_tv));
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    thread = test_start(write_later, (void *)(long)ends[1]);
    CALL(pselect(ends[0] + 1, &in, NULL, NULL, NULL, NULL));
    pthread_join(thread, NULL);
    /* Below 64: numbers that its descriptor table has no room for are passed over by Linux, and how large the table
     * is depends on what the parent had open. */
    close(60);
    FD_ZERO(&in);
    FD_SET(60, &in);
    CALL(select(61, &in, NULL, NULL, &none));
    CALL(select(-1, NULL, NULL, NULL, &none));
    close(ends[1]);
    CALL(poll(p, 1, 0));
    show(p);
    read(ends[0], &byte, 1);
    CALL(poll(p, 1, 0));
    show(p);
    MUST(pipe(ends));
    close(ends[0]);
    p[1].fd = ends[1];
    CALL(poll(p + 1, 1, 0));
    show(p + 1);
    p[0].fd = open("/usr/bin/env", O_RDONLY), p[0].events = POLLIN | POLLOUT;
    CALL(poll(p, 1, 0));
    show(p);
    return 0;
}
