/* O_ASYNC on sockets: data, a connection, the end of the other side; FIOSETOWN and SIOCSPGRP. */
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
static volatile sig_atomic_t count;
static void handle(int signal) { (void)signal; count++; }
static void await(void) { while (count == 0) sched_yield(); printf("told\n"); }
int main(void) {
    int pair[2], on = 1, number = getpid(), back = 0;
    char bytes[8];
    MUST(signal(SIGIO, handle) == SIG_ERR ? -1 : 0);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CALL(ioctl(pair[0], FIOSETOWN, &number));
    CALL(ioctl(pair[0], FIOGETOWN, &back));
    YES(back == getpid());
    back = 0;
    CALL(ioctl(pair[0], SIOCGPGRP, &back));
    YES(back == getpid());
    number = 0;
    CALL(ioctl(pair[0], SIOCSPGRP, &number));
    YES(fcntl(pair[0], F_GETOWN) == 0);
    CALL(ioctl(pair[0], FIOSETOWN, 8));
    CALL(fcntl(pair[0], F_SETOWN, getpid()));
    CALL(ioctl(pair[0], FIOASYNC, &on));
    YES(fcntl(pair[0], F_GETFL) & O_ASYNC);
    count = 0;
    CALL(write(pair[1], "x", 1));
    await();
    CALL(read(pair[0], bytes, 8));
    count = 0;
    CALL(close(pair[1]));
    await();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(listener, (void *)&address, len));
    MUST(listen(listener, 5));
    MUST(getsockname(listener, (void *)&address, &len));
    CALL(fcntl(listener, F_SETOWN, getpid()));
    CALL(fcntl(listener, F_SETFL, O_ASYNC));
    count = 0;
    CALL(connect(client, (void *)&address, len));
    await();
    int server = MUST(accept(listener, NULL, NULL));
    YES(!(fcntl(server, F_GETFL) & O_ASYNC));
    CALL(fcntl(client, F_SETOWN, getpid()));
    CALL(fcntl(client, F_SETFL, O_ASYNC));
    count = 0;
    CALL(write(server, "hello", 5));
    await();
    CALL(read(client, bytes, 8));
    int a = MUST(socket(AF_INET, SOCK_DGRAM, 0)), b = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    address.sin_port = 0;
    MUST(bind(a, (void *)&address, len));
    MUST(getsockname(a, (void *)&address, &len));
    CALL(fcntl(a, F_SETOWN, getpid()));
    CALL(fcntl(a, F_SETFL, O_ASYNC));
    count = 0;
    CALL(sendto(b, "x", 1, 0, (void *)&address, len));
    await();
    return 0;
}
