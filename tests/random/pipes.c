/* Interpreter of random programs of pipes, socket pairs, event counters and the sets that watch them.
 *
 * Nothing blocks. Which of several ready descriptors a set names first is not compared: reports come in order of what was
 * registered. */
#include "random.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#define SLOTS 8
static int slots[SLOTS];
static char buffer[1 << 17];
static int fd(long number) { return slots[(unsigned long)number % SLOTS]; }
static void put(long number, int value) {
    if (fd(number) >= 0) close(fd(number));
    slots[(unsigned long)number % SLOTS] = value;
}
static void number(long value) {
    result(value >= 0);
    if (value >= 0) printf(" %ld", value);
}
static void data(long got) {
    number(got);
    if (got > 0) printf(" %08x", sum_of((unsigned char *)buffer, got));
}
static void fill(long count, long seed) {
    for (long i = 0; i < count; i++) buffer[i] = seed + i * 13 + i / 251;
}
static long bounded(long count) { return count < 0 ? 0 : count > (long)sizeof buffer ? (long)sizeof buffer : count; }
static int by_data(const void *left, const void *right) {
    const struct epoll_event *a = left, *b = right;
    return a->data.u64 < b->data.u64 ? -1 : a->data.u64 > b->data.u64 ? 1 : (int)a->events - (int)b->events;
}
int main(void) {
    static char big[1 << 16], input[1 << 12];
    setvbuf(stdout, big, _IOFBF, sizeof big);
    setvbuf(stdin, input, _IOFBF, sizeof input);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SLOTS; i++) slots[i] = -1;
    while (next_operation()) {
        long *a = argument;
        errno = 0;
        if (is("pipe")) { /* slot slot flags */
            int ends[2];
            bool worked = pipe2(ends, O_NONBLOCK | a[2]) == 0;
            result(worked);
            if (worked) put(a[0], ends[0]), put(a[1], ends[1]);
        } else if (is("socketpair")) { /* slot slot type */
            int ends[2];
            bool worked = socketpair(AF_UNIX, a[2] | SOCK_NONBLOCK, 0, ends) == 0;
            result(worked);
            if (worked) put(a[0], ends[0]), put(a[1], ends[1]);
        } else if (is("eventfd")) { /* slot initial flags */
            int got = eventfd(a[1], EFD_NONBLOCK | a[2]);
            result(got >= 0);
            if (got >= 0) put(a[0], got);
        } else if (is("epoll")) {
            int got = epoll_create1(0);
            result(got >= 0);
            if (got >= 0) put(a[0], got);
        } else if (is("close")) {
            result(close(fd(a[0])) == 0);
            slots[(unsigned long)a[0] % SLOTS] = -1;
        } else if (is("dup")) {
            int got = dup(fd(a[0]));
            result(got >= 0);
            if (got >= 0) put(a[1], got);
        } else if (is("read")) data(read(fd(a[0]), buffer, bounded(a[1])));
        else if (is("write")) {
            fill(bounded(a[1]), a[2]);
            number(write(fd(a[0]), buffer, bounded(a[1])));
        } else if (is("add")) { /* counter, to an event counter: slot value */
            uint64_t value = a[1];
            number(write(fd(a[0]), &value, 8));
        } else if (is("send")) fill(bounded(a[1]), a[2]), number(send(fd(a[0]), buffer, bounded(a[1]), a[3]));
        else if (is("recv")) data(recv(fd(a[0]), buffer, bounded(a[1]), a[2]));
        else if (is("shutdown")) result(shutdown(fd(a[0]), a[1]) == 0);
        else if (is("size")) number(fcntl(fd(a[0]), a[1] ? F_SETPIPE_SZ : F_GETPIPE_SZ, a[1]));
        else if (is("waiting")) {
            int count = -1;
            bool worked = ioctl(fd(a[0]), FIONREAD, &count) == 0;
            result(worked);
            if (worked) printf(" %d", count);
        } else if (is("splice")) number(splice(fd(a[0]), NULL, fd(a[1]), NULL, bounded(a[2]), SPLICE_F_NONBLOCK));
        else if (is("tee")) number(tee(fd(a[0]), fd(a[1]), bounded(a[2]), SPLICE_F_NONBLOCK));
        else if (is("ctl")) { /* set operation slot events */
            struct epoll_event event = {.events = a[3], .data.u64 = a[2]};
            result(epoll_ctl(fd(a[0]), a[1], fd(a[2]), &event) == 0);
        } else if (is("wait")) { /* set */
            struct epoll_event events[16];
            int got = epoll_wait(fd(a[0]), events, 16, 0);
            number(got);
            if (got > 0) qsort(events, got, sizeof *events, by_data);
            for (int i = 0; i < got; i++) printf(" %lu:%x", events[i].data.u64, events[i].events);
        } else if (is("poll")) { /* events */
            struct pollfd all[SLOTS];
            for (int i = 0; i < SLOTS; i++) all[i] = (struct pollfd){slots[i], a[0], 0};
            number(poll(all, SLOTS, 0));
            for (int i = 0; i < SLOTS; i++) printf(" %x", all[i].revents);
        } else printf("%d %s unknown", line_number, operation);
        end_line();
    }
    printf("end");
    struct pollfd all[SLOTS];
    for (int i = 0; i < SLOTS; i++) all[i] = (struct pollfd){slots[i], 0xfff, 0};
    poll(all, SLOTS, 0);
    for (int i = 0; i < SLOTS; i++) printf(" %x", all[i].revents);
    end_line();
    return 0;
}
