/* What poll reports for kinds of files that are always or never ready. */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
static void show(const char *what, int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
    int n = poll(&p, 1, 0);
    printf("%s: %d %#x\n", what, n, (unsigned)p.revents);
}
int main(void) {
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    show("regular", MUST(open("/proc/self/exe", O_RDONLY)));
    show("directory", MUST(open("/", O_RDONLY)));
    show("null", MUST(open("/dev/null", O_RDWR)));
    show("zero", MUST(open("/dev/zero", O_RDWR)));
    show("eventfd", MUST(eventfd(0, 0)));
    int timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
    show("timerfd", timer);
    struct itimerspec soon = {.it_value = {0, 1}};
    MUST(timerfd_settime(timer, 0, &soon, NULL));
    struct pollfd p = {.fd = timer, .events = POLLIN};
    CALL(poll(&p, 1, 5000));
    show("timerfd expired", timer);
    int signals = MUST(signalfd(-1, &set, 0));
    show("signalfd", signals);
    raise(SIGUSR1);
    show("signalfd pending", signals);
    show("epoll", MUST(epoll_create1(0)));
    show("unix stream", MUST(socket(AF_UNIX, SOCK_STREAM, 0)));
    show("unix datagram", MUST(socket(AF_UNIX, SOCK_DGRAM, 0)));
    show("tcp", MUST(socket(AF_INET, SOCK_STREAM, 0)));
    show("udp", MUST(socket(AF_INET, SOCK_DGRAM, 0)));
    int memory = MUST(memfd_create("m", 0));
    show("memfd", memory);
    return 0;
}
