/* Pairs of datagrams and packets whose other end shuts down, or goes with something unread: errors, events and bytes. */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
static void events(const char *when, int fd) {
    struct pollfd entry = {fd, 0x2fff, 0};
    poll(&entry, 1, 0);
    printf("%s: %x\n", when, entry.revents);
}
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    int kinds[] = {SOCK_DGRAM, SOCK_SEQPACKET}, waiting;
    static char big[200000];
    for (int k = 0; k < 2; k++) {
        int p[2], kind = kinds[k] | SOCK_NONBLOCK;
        printf("kind %d\n", kinds[k]);
        MUST(socketpair(AF_UNIX, kind, 0, p));
        CALL(send(p[0], big, 8, 0)), CALL(send(p[0], big, 392, 0));
        MUST(ioctl(p[1], FIONREAD, &waiting));
        printf("waiting %d\n", waiting);
        CALL(read(p[1], big, 0));
        CALL(recv(p[1], big, 0, MSG_PEEK | MSG_TRUNC));
        CALL(shutdown(p[0], SHUT_RD));
        events("read half", p[0]), events("its peer", p[1]);
        CALL(recv(p[0], big, 8, 0));
        CALL(send(p[1], big, 8, 0));
        CALL(shutdown(p[0], SHUT_RDWR));
        events("both", p[0]), events("its peer", p[1]);
        CALL(send(p[0], big, 8, 0));
        CALL(send(p[0], big, sizeof big * 2, 0));
        close(p[0]), close(p[1]);
        for (int len = 0; len < 2; len++) {
            MUST(socketpair(AF_UNIX, kind, 0, p));
            CALL(send(p[0], big, len, 0));
            CALL(send(p[1], big, 5, 0));
            close(p[1]);
            events("peer gone with something unread", p[0]);
            CALL(send(p[0], big, 1, 0));
            events("then", p[0]);
            CALL(recv(p[0], big, 10, 0));
            CALL(shutdown(p[0], SHUT_WR));
            CALL(send(p[0], big, 1, 0));
            close(p[0]);
        }
        MUST(socketpair(AF_UNIX, kind, 0, p));
        for (int i = 0; i < 3; i++) {
            CALL(send(p[0], big, 32768, 0));
            events("after a long one", p[0]);
        }
        close(p[0]), close(p[1]);
    }
    int alone = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), set = MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, alone, &event));
    CALL(epoll_wait(set, &event, 1, 0));
    CALL(shutdown(alone, SHUT_RD));
    CALL(epoll_wait(set, &event, 1, 1000));
    CALL(ioctl(set, FIONREAD, &waiting));
    CALL(ioctl(set, TIOCGWINSZ, big));
    return 0;
}
