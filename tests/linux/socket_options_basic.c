/* SOL_SOCKET's options: what sockets tell of themselves, switches, buffers, short and long values, errors. */
#include "net.h"
static int fd;
static void get(int name, const char *text) {
    int value = -77;
    socklen_t len = sizeof value;
    int e = getsockopt(fd, SOL_SOCKET, name, &value, &len);
    printf("%s: %d %d %u %s\n", text, e, value, len, e ? test_errno_name(errno) : "");
}
#define GET(name) get(name, #name)
int main(void) {
    int domains[] = {AF_INET, AF_INET6, AF_UNIX}, types[] = {SOCK_STREAM, SOCK_DGRAM};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) {
            fd = MUST(socket(domains[i], types[j], 0));
            GET(SO_TYPE), GET(SO_DOMAIN), GET(SO_PROTOCOL), GET(SO_ACCEPTCONN), GET(SO_ERROR);
            GET(SO_BROADCAST), GET(SO_KEEPALIVE), GET(SO_REUSEADDR), GET(SO_REUSEPORT), GET(SO_OOBINLINE);
            GET(SO_RCVLOWAT), GET(SO_PRIORITY), GET(SO_TIMESTAMP), GET(SO_DONTROUTE);
            close(fd);
        }
    fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
    int on = 5;
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    GET(SO_REUSEADDR);
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 2));
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, -1));
    CALL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
    CALL(setsockopt(fd, SOL_SOCKET, 9999, &on, 4));
    CALL(setsockopt(fd, 9999, SO_REUSEADDR, &on, 4));
    CALL(setsockopt(fd, SOL_SOCKET, SO_TYPE, &on, 4));
    CALL(setsockopt(fd, SOL_SOCKET, SO_ERROR, &on, 4));
    char value[2] = {9, 9};
    socklen_t len = 1;
    CALL(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, value, &len));
    CALL(value[0] * 10 + value[1]);
    len = (socklen_t)-1;
    CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, value, &len));
    len = 4;
    CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, (void *)8, &len));
    CALL(getsockopt(fd, SOL_SOCKET, SO_TYPE, &on, (void *)8));
    CALL(getsockopt(fd, SOL_SOCKET, 9999, &on, &len));
    int size = 5000;
    CALL(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, 4));
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4));
    GET(SO_SNDBUF), GET(SO_RCVBUF);
    size = 1;
    CALL(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, 4));
    CALL(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4));
    GET(SO_SNDBUF), GET(SO_RCVBUF);
    struct linger l = {1, 7}, got;
    len = sizeof got;
    CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    CALL(getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &len));
    CALL(got.l_onoff * 100 + got.l_linger);
    CALL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
    CALL(listen(fd, 1));
    GET(SO_ACCEPTCONN);
    return 0;
}
