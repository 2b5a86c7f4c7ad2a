/* Connections refused, addresses in use, calls in the wrong state. */
#include "net.h"
int main(void) {
    struct sockaddr_in address, other;
    char byte;
    int listener = net_listener(&address, 1), fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(bind(fd, (struct sockaddr *)&address, sizeof address));
    CALL(recv(fd, &byte, 1, 0));
    CALL(send(fd, "x", 1, MSG_NOSIGNAL));
    CALL(accept(fd, NULL, NULL));
    socklen_t length = sizeof other;
    CALL(getpeername(fd, (struct sockaddr *)&other, &length));
    CALL(shutdown(fd, SHUT_RD));
    CALL(recv(listener, &byte, 1, 0));
    CALL(close(listener));
    CALL(connect(fd, (struct sockaddr *)&address, sizeof address));
    int again = MUST(socket(AF_INET, SOCK_STREAM, 0)), one = 1;
    CALL(setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    CALL(bind(again, (struct sockaddr *)&address, sizeof address));
    CALL(bind(again, (struct sockaddr *)&address, sizeof address));
    CALL(listen(again, 1));
    fd = net_connect(&address);
    CALL(connect(fd, (struct sockaddr *)&address, sizeof address));
    CALL(socket(AF_INET, 99, 0));
    CALL(socket(12345, SOCK_STREAM, 0));
    CALL(bind(0, (struct sockaddr *)&address, sizeof address));
    CALL(bind(77, (struct sockaddr *)&address, sizeof address));
    CALL(connect(fd, (struct sockaddr *)&address, 3));
    address.sin_addr.s_addr = htonl(0x01020304);
    fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(bind(fd, (struct sockaddr *)&address, sizeof address));
    CALL(connect(fd, (void *)8, sizeof address));
    return 0;
}
