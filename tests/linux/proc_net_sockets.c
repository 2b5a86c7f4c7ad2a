/* /proc/net/tcp, tcp6, udp and unix: the lines of sockets that are open, found by their numbers. */
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
static unsigned long number(int fd) {
    struct stat st;
    MUST(fstat(fd, &st));
    return st.st_ino;
}
static void inet(const char *what, const char *file, int fd, unsigned port) {
    char line[512], local[80], remote[80];
    unsigned state, in, out;
    unsigned long inode;
    FILE *f = fopen(file, "r");
    if (!fgets(line, sizeof line, f)) MUST(-1);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%*d: %79s %79s %x %x:%x %*s %*s %*d %*d %lu", local, remote, &state, &out, &in, &inode) != 6) continue;
        if (inode != number(fd)) continue;
        unsigned shown = 0;
        sscanf(strchr(local, ':'), ":%x", &shown);
        *strchr(local, ':') = 0;
        printf("%s: local %s, port %s, remote %s, state %02X, in %u\n", what, local, shown == port ? "right" : "wrong",
               strcmp(strchr(remote, 0x3a), ":0000") ? "a port" : "none", state, in);
    }
    fclose(f);
}
static void local(const char *what, int fd) {
    char line[512], path[128] = "";
    unsigned flags, type, state;
    unsigned long inode;
    FILE *f = fopen("/proc/net/unix", "r");
    if (!fgets(line, sizeof line, f)) MUST(-1);
    fputs(line, stdout);
    while (fgets(line, sizeof line, f)) {
        path[0] = 0;
        if (sscanf(line, "%*x: %*x %*x %x %x %x %lu %127s", &flags, &type, &state, &inode, path) < 4 || inode != number(fd)) continue;
        printf("%s: flags %x type %x state %02x path %s\n", what, flags, type, state, path);
    }
    fclose(f);
}
static unsigned port_of(int fd) {
    struct sockaddr_in6 a;
    socklen_t len = sizeof a;
    MUST(getsockname(fd, (void *)&a, &len));
    return ntohs(a.sin6_port);
}
int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0catalyzer-test-name"};
    socklen_t len = sizeof address;
    int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(listener, (void *)&address, len));
    MUST(listen(listener, 5));
    MUST(getsockname(listener, (void *)&address, &len));
    inet("listener", "/proc/net/tcp", listener, port_of(listener));
    MUST(connect(client, (void *)&address, len));
    int server = MUST(accept(listener, NULL, NULL));
    MUST(write(client, "12345", 5));
    inet("client", "/proc/net/tcp", client, port_of(client));
    inet("server", "/proc/net/tcp", server, port_of(server));
    int bound = MUST(socket(AF_INET, SOCK_STREAM, 0));
    inet("nothing", "/proc/net/tcp", bound, 0);
    int other = MUST(socket(AF_INET6, SOCK_STREAM, 0));
    MUST(bind(other, (void *)&six, sizeof six));
    MUST(listen(other, 5));
    inet("listener6", "/proc/self/net/tcp6", other, port_of(other));
    int datagrams = MUST(socket(AF_INET, SOCK_DGRAM, 0)), unbound = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    address.sin_port = 0;
    MUST(bind(datagrams, (void *)&address, len));
    inet("udp", "/proc/net/udp", datagrams, port_of(datagrams));
    inet("nothing", "/proc/net/udp", unbound, 0);
    MUST(getsockname(datagrams, (void *)&address, &len));
    MUST(connect(unbound, (void *)&address, len));
    inet("connected", "/proc/net/udp", unbound, port_of(unbound));
    int pair[2], named = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), plain = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
    MUST(bind(named, (void *)&name, offsetof(struct sockaddr_un, sun_path) + 20));
    MUST(listen(named, 5));
    local("listener", named);
    local("pair", pair[0]);
    local("plain", plain);
    return 0;
}
