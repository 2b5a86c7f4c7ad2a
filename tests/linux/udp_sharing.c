/* Datagram ports: taken, shared with SO_REUSEADDR or SO_REUSEPORT, wildcards beside addresses; connected ones filter. */
#include "net.h"
static int bound(int option, struct sockaddr_in *a) {
    int on = 1, s = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
    if (option) MUST(setsockopt(s, SOL_SOCKET, option, &on, sizeof on));
    int e = bind(s, (void *)a, sizeof *a);
    printf("bind: %s\n", e ? test_errno_name(errno) : "ok");
    socklen_t len = sizeof *a;
    if (!e) getsockname(s, (void *)a, &len);
    return s;
}
int main(void) {
    char text[8];
    struct sockaddr_in a = net_loopback(0), any;
    int s = bound(0, &a);
    bound(0, &a), bound(SO_REUSEADDR, &a);
    any = a, any.sin_addr.s_addr = 0;
    bound(0, &any);
    close(s);
    a = net_loopback(0);
    int one = bound(SO_REUSEPORT, &a), two = bound(SO_REUSEPORT, &a);
    bound(SO_REUSEADDR, &a);
    close(one), close(two);
    a = net_loopback(0);
    one = bound(SO_REUSEADDR, &a);
    any = a, any.sin_addr.s_addr = 0;
    two = bound(SO_REUSEADDR, &any);
    int c = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    CALL(sendto(c, "x", 1, 0, (void *)&a, sizeof a));
    struct pollfd p[2] = {{one, POLLIN}, {two, POLLIN}};
    CALL(poll(p, 2, 5000));
    CALL(p[0].revents * 10 + p[1].revents);
    CALL(recv(one, text, 8, 0));
    struct sockaddr_in me = net_loopback(0);
    int stranger = bound(0, &me);
    CALL(connect(one, (void *)&me, sizeof me));
    CALL(sendto(stranger, "known", 5, 0, (void *)&a, sizeof a));
    CALL(recv(one, text, 8, 0));
    return 0;
}
