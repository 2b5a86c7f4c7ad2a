/* TCP's and IP's options: defaults, what is set, what is refused. */
#include "net.h"
static int fd;
static void get(int level, int name, const char *text) {
    int value = -77;
    socklen_t len = sizeof value;
    int e = getsockopt(fd, level, name, &value, &len);
    printf("%s: %d %d %u %s\n", text, e, value, len, e ? test_errno_name(errno) : "");
}
static void set(int level, int name, int value, const char *text) {
    int e = setsockopt(fd, level, name, &value, sizeof value);
    printf("set %s %d: %d %s\n", text, value, e, e ? test_errno_name(errno) : "");
    get(level, name, text);
}
#define GET(level, name) get(level, name, #name)
#define SET(level, name, value) set(level, name, value, #name)
int main(void) {
    fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
    GET(IPPROTO_TCP, TCP_NODELAY), GET(IPPROTO_TCP, TCP_CORK), GET(IPPROTO_TCP, TCP_KEEPIDLE);
    GET(IPPROTO_TCP, TCP_KEEPINTVL), GET(IPPROTO_TCP, TCP_KEEPCNT), GET(IPPROTO_TCP, TCP_SYNCNT);
    GET(IPPROTO_TCP, TCP_DEFER_ACCEPT), GET(IPPROTO_TCP, TCP_USER_TIMEOUT), GET(IPPROTO_TCP, TCP_QUICKACK);
    SET(IPPROTO_TCP, TCP_NODELAY, 7), SET(IPPROTO_TCP, TCP_CORK, 1), SET(IPPROTO_TCP, TCP_KEEPIDLE, 33);
    SET(IPPROTO_TCP, TCP_KEEPIDLE, 0), SET(IPPROTO_TCP, TCP_KEEPIDLE, 32768), SET(IPPROTO_TCP, TCP_KEEPINTVL, 0);
    SET(IPPROTO_TCP, TCP_KEEPINTVL, 12), SET(IPPROTO_TCP, TCP_KEEPCNT, 200), SET(IPPROTO_TCP, TCP_KEEPCNT, 5);
    SET(IPPROTO_TCP, TCP_SYNCNT, 0), SET(IPPROTO_TCP, TCP_SYNCNT, 3), SET(IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
    SET(IPPROTO_TCP, TCP_USER_TIMEOUT, -1), SET(IPPROTO_TCP, TCP_MAXSEG, 10), SET(IPPROTO_TCP, 9999, 1);
    SET(IPPROTO_TCP, TCP_LINGER2, 20);
    GET(IPPROTO_IP, IP_TTL), GET(IPPROTO_IP, IP_TOS), GET(IPPROTO_IP, IP_PKTINFO), GET(IPPROTO_IP, IP_MTU_DISCOVER);
    SET(IPPROTO_IP, IP_TTL, 33), SET(IPPROTO_IP, IP_TTL, 0), SET(IPPROTO_IP, IP_TTL, 256), SET(IPPROTO_IP, IP_TTL, -1);
    SET(IPPROTO_IP, IP_TOS, 0x10), SET(IPPROTO_IP, IP_PKTINFO, 5), SET(IPPROTO_IP, IP_RECVTTL, 1);
    SET(IPPROTO_IP, IP_MTU_DISCOVER, 9), SET(IPPROTO_IP, 9999, 1);
    char byte = 44;
    CALL(setsockopt(fd, IPPROTO_IP, IP_TTL, &byte, 1));
    GET(IPPROTO_IP, IP_TTL);
    char name[16] = "";
    socklen_t len = sizeof name;
    CALL(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    YES(*name != 0);
    CALL(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "no-such", 7));
    struct tcp_info info;
    len = sizeof info;
    CALL(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
    CALL(info.tcpi_state);
    CALL(listen(fd, 3));
    CALL(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
    CALL(info.tcpi_state);
    fd = MUST(socket(AF_INET6, SOCK_STREAM, 0));
    GET(IPPROTO_IPV6, IPV6_V6ONLY), GET(IPPROTO_IPV6, IPV6_UNICAST_HOPS), GET(IPPROTO_IPV6, IPV6_MULTICAST_HOPS);
    SET(IPPROTO_IPV6, IPV6_V6ONLY, 1), SET(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 12), SET(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256);
    SET(IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1), SET(IPPROTO_IPV6, IPV6_TCLASS, 8), SET(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    fd = udp;
    GET(IPPROTO_TCP, TCP_NODELAY), GET(IPPROTO_IPV6, IPV6_V6ONLY), GET(IPPROTO_IP, IP_MULTICAST_TTL), GET(IPPROTO_IP, IP_MULTICAST_LOOP);
    SET(IPPROTO_IP, IP_MULTICAST_TTL, 3), SET(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    return 0;
}
