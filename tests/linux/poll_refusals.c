/* poll: closed and negative descriptors, bad addresses, more entries than descriptors may be open. */
#include "test.h"
#include <poll.h>
#include <sys/resource.h>
int main(void) {
    struct pollfd p[3] = {{.fd = -1, .events = POLLIN}, {.fd = 77, .events = POLLIN}, {.fd = 0, .events = 0}};
    CALL(poll(p, 1, 0));
    CALL(poll(p, 2, 0));
    CALL(p[0].revents);
    CALL(p[1].revents == POLLNVAL);
    CALL(poll(NULL, 0, 0));
    CALL(poll(NULL, 1, 0));
    CALL(poll((void *)8, 1, 0));
    struct rlimit limit = {10, 10};
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    static struct pollfd many[11];
    for (int i = 0; i < 11; i++) many[i].fd = -1;
    CALL(poll(many, 10, 0));
    CALL(poll(many, 11, 0));
    CALL(poll(many, -1, 0));
    struct timespec wrong = {0, -1}, late = {0, 1000000000};
    CALL(ppoll(many, 1, &wrong, NULL));
    CALL(ppoll(many, 1, &late, NULL));
    CALL(syscall(SYS_ppoll, many, 1, (void *)8, NULL, 8));
    sigset_t set;
    sigemptyset(&set);
    struct timespec zero = {0, 0};
    CALL(syscall(SYS_ppoll, many, 1, &zero, &set, 7));
    CALL(syscall(SYS_ppoll, many, 1, &zero, &set, 8));
    CALL(poll(many, 1, 1));
    return 0;
}
