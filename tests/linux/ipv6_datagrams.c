/* UDP over IPv6 and from IPv4 to a dual-stack socket. */
#include "net.h"
int main(void) {
    char text[8], name[64];
    struct sockaddr_in6 a = {.sin6_family = AF_INET6}, from;
    socklen_t len = sizeof a;
    int s = MUST(socket(AF_INET6, SOCK_DGRAM, 0)), c = MUST(socket(AF_INET6, SOCK_DGRAM, 0)), f = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    MUST(bind(s, (void *)&a, sizeof a)), MUST(getsockname(s, (void *)&a, &len));
    struct sockaddr_in four = net_loopback(ntohs(a.sin6_port));
    a.sin6_addr = in6addr_loopback;
    CALL(sendto(c, "six", 3, 0, (void *)&a, sizeof a));
    len = sizeof from;
    CALL(recvfrom(s, text, 8, 0, (void *)&from, &len));
    puts(inet_ntop(AF_INET6, &from.sin6_addr, name, sizeof name));
    CALL(sendto(f, "four", 4, 0, (void *)&four, sizeof four));
    len = sizeof from;
    CALL(recvfrom(s, text, 8, 0, (void *)&from, &len));
    puts(inet_ntop(AF_INET6, &from.sin6_addr, name, sizeof name));
    CALL(sendto(s, "back", 4, 0, (void *)&from, sizeof from));
    CALL(recv(f, text, 8, 0));
    CALL(sendto(f, "x", 1, 0, (void *)&a, sizeof a));
    CALL(sendto(c, "x", 1, 0, (void *)&four, sizeof four));
    CALL(connect(c, (void *)&a, 20));
    return 0;
}
