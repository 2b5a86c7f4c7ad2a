/* bind, listen and connect on taken ports, other addresses, twice, before and after each other. */
#include "net.h"
int main(void) {
    int on = 1, s, t;
    struct sockaddr_in a = net_loopback(0), b;
    socklen_t len = sizeof a;
    s = net_listener(&a, 1);
    t = MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(bind(t, (void *)&a, sizeof a));
    b = a, b.sin_addr.s_addr = 0;
    CALL(bind(t, (void *)&b, sizeof b));
    CALL(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    CALL(bind(t, (void *)&a, sizeof a));
    b = a, b.sin_addr.s_addr = htonl(0x7f000002);
    CALL(bind(t, (void *)&b, sizeof b));
    CALL(bind(t, (void *)&b, sizeof b));
    CALL(listen(t, 1));
    CALL(connect(net_connect(&b), (void *)&b, sizeof b));
    t = MUST(socket(AF_INET, SOCK_STREAM, 0));
    b = net_loopback(0), b.sin_addr.s_addr = htonl(0xc0000201);
    CALL(bind(t, (void *)&b, sizeof b));
    CALL(bind(t, (void *)&b, 8));
    b.sin_family = AF_INET6;
    CALL(bind(t, (void *)&b, sizeof b));
    b = net_loopback(0), b.sin_family = AF_UNSPEC;
    CALL(bind(t, (void *)&b, sizeof b));
    CALL(bind(t, (void *)8, sizeof b));
    CALL(getsockname(t, (void *)&b, &len));
    CALL(b.sin_port);
    CALL(listen(t, 1));
    CALL(getsockname(t, (void *)&b, &len));
    YES(b.sin_port != 0 && b.sin_addr.s_addr == 0);
    CALL(bind(t, (void *)&a, sizeof a));
    CALL(connect(t, (void *)&a, sizeof a));
    int c = net_connect(&a);
    CALL(bind(c, (void *)&a, sizeof a));
    CALL(listen(c, 1));
    CALL(accept(c, NULL, NULL));
    CALL(connect(c, (void *)&a, sizeof a));
    CALL(connect(MUST(socket(AF_INET, SOCK_STREAM, 0)), (void *)&a, 4));
    return 0;
}
