/* UDP on loopback: datagrams keep their borders and their senders. */
#include "net.h"
int main(void) {
    struct sockaddr_in address = net_loopback(0), from;
    socklen_t length = sizeof address;
    char text[16] = "";
    int a = MUST(socket(AF_INET, SOCK_DGRAM, 0)), b = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    CALL(bind(a, (struct sockaddr *)&address, sizeof address));
    CALL(getsockname(a, (struct sockaddr *)&address, &length));
    CALL(sendto(b, "first", 5, 0, (struct sockaddr *)&address, sizeof address));
    CALL(sendto(b, "second", 6, 0, (struct sockaddr *)&address, sizeof address));
    CALL(sendto(b, "", 0, 0, (struct sockaddr *)&address, sizeof address));
    CALL(recvfrom(a, text, 3, 0, (struct sockaddr *)&from, &length));
    YES(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CALL(recv(a, text, sizeof text, 0));
    CALL(recv(a, text, sizeof text, 0));
    CALL(recv(a, text, sizeof text, MSG_DONTWAIT));
    CALL(connect(a, (struct sockaddr *)&from, sizeof from));
    CALL(send(a, "back", 4, 0));
    CALL(recv(b, text, sizeof text, 0));
    printf("%.4s\n", text);
    CALL(send(b, "x", 1, 0));
    return 0;
}
