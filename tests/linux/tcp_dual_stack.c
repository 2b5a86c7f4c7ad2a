/* IPv6 listeners take IPv4 unless IPV6_V6ONLY; mapped addresses; who may share a port. */
#include "net.h"
static struct sockaddr_in6 six(const char *ip, int port) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    inet_pton(AF_INET6, ip, &a.sin6_addr);
    return a;
}
static void show(const char *what, const struct sockaddr_in6 *a) {
    char text[64];
    inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof text);
    printf("%s: %s\n", what, text);
}
int main(void) {
    int on = 1, fd, c;
    struct sockaddr_in6 a = six("::", 0), peer;
    socklen_t len = sizeof a;
    int s = MUST(socket(AF_INET6, SOCK_STREAM, 0));
    MUST(bind(s, (void *)&a, sizeof a)), MUST(listen(s, 5)), MUST(getsockname(s, (void *)&a, &len));
    int port = ntohs(a.sin6_port);
    struct sockaddr_in four = net_loopback(port);
    c = net_connect(&four);
    len = sizeof peer;
    fd = MUST(accept(s, (void *)&peer, &len));
    show("peer over IPv4", &peer);
    len = sizeof peer;
    CALL(getsockname(fd, (void *)&peer, &len));
    show("own over IPv4", &peer);
    a = six("::1", port);
    CALL(connect(c = MUST(socket(AF_INET6, SOCK_STREAM, 0)), (void *)&a, sizeof a));
    len = sizeof peer;
    fd = MUST(accept(s, (void *)&peer, &len));
    show("peer over IPv6", &peer);
    a = six("::ffff:127.0.0.1", port);
    CALL(connect(c = MUST(socket(AF_INET6, SOCK_STREAM, 0)), (void *)&a, sizeof a));
    len = sizeof peer;
    CALL(getsockname(c, (void *)&peer, &len));
    show("mapped client", &peer);
    int t = MUST(socket(AF_INET, SOCK_STREAM, 0));
    four = net_loopback(port), four.sin_addr.s_addr = 0;
    CALL(bind(t, (void *)&four, sizeof four));
    close(s);
    s = MUST(socket(AF_INET6, SOCK_STREAM, 0));
    CALL(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    a = six("::", 0), len = sizeof a;
    MUST(bind(s, (void *)&a, sizeof a)), MUST(listen(s, 5)), MUST(getsockname(s, (void *)&a, &len));
    port = ntohs(a.sin6_port), four = net_loopback(port);
    CALL(connect(MUST(socket(AF_INET, SOCK_STREAM, 0)), (void *)&four, sizeof four));
    four.sin_addr.s_addr = 0;
    CALL(bind(t, (void *)&four, sizeof four));
    CALL(listen(t, 1));
    CALL(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof on));
    a = six("::ffff:127.0.0.1", 0);
    int v = MUST(socket(AF_INET6, SOCK_STREAM, 0));
    CALL(setsockopt(v, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    CALL(bind(v, (void *)&a, sizeof a));
    CALL(bind(v, (void *)&a, 20));
    four.sin_family = AF_INET;
    CALL(bind(v, (void *)&four, sizeof four));
    return 0;
}
