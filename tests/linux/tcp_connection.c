/* Loopback TCP: listen, connect, accept, names of both ends, data both ways, orderly end.
 * test: variants dynamic static musl
 */
#include "net.h"
int main(void) {
    struct sockaddr_in address, peer, own;
    socklen_t length = sizeof peer;
    char text[32] = "";
    int listener = net_listener(&address, 5);
    YES(ntohs(address.sin_port) >= 1024);
    int client = net_connect(&address);
    int server = MUST(accept(listener, (struct sockaddr *)&peer, &length));
    CALL(length);
    YES(peer.sin_family == AF_INET && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    length = sizeof own;
    CALL(getsockname(client, (struct sockaddr *)&own, &length));
    YES(own.sin_port == peer.sin_port);
    CALL(getpeername(client, (struct sockaddr *)&own, &length));
    YES(own.sin_port == address.sin_port);
    CALL(getsockname(server, (struct sockaddr *)&own, &length));
    YES(own.sin_port == address.sin_port);
    CALL(send(client, "to the server", 13, 0));
    CALL(recv(server, text, 6, 0));
    CALL(recv(server, text + 6, sizeof text - 6, 0));
    puts(text);
    CALL(write(server, "and back", 8));
    CALL(recv(client, text, sizeof text, MSG_PEEK));
    CALL(read(client, text, sizeof text));
    printf("%.8s\n", text);
    CALL(recv(client, text, 1, MSG_DONTWAIT));
    CALL(shutdown(client, SHUT_WR));
    CALL(recv(server, text, 1, 0));
    CALL(send(server, "late", 4, 0));
    CALL(recv(client, text, sizeof text, 0));
    CALL(send(client, "x", 1, MSG_NOSIGNAL));
    CALL(close(server));
    CALL(recv(client, text, 1, 0));
    CALL(close(client));
    CALL(close(listener));
    return 0;
}
