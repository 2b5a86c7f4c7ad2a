/* SO_REUSEPORT: who may share, and that every listener of several gets some of many connections. */
#include "net.h"
int main(void) {
    int on = 1, s[3], got[3] = {0};
    struct sockaddr_in a = net_loopback(0);
    socklen_t len = sizeof a;
    for (int i = 0; i < 3; i++) {
        s[i] = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        CALL(setsockopt(s[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
        CALL(bind(s[i], (void *)&a, sizeof a));
        CALL(listen(s[i], 200));
        MUST(getsockname(s[i], (void *)&a, &len));
    }
    int alone = MUST(socket(AF_INET, SOCK_STREAM, 0));
    CALL(bind(alone, (void *)&a, sizeof a));
    for (int i = 0; i < 120; i++) close(net_connect(&a));
    for (int i = 0; i < 3; i++) {
        struct pollfd p = {s[i], POLLIN};
        poll(&p, 1, 1000);
        for (int c; (c = accept(s[i], NULL, NULL)) >= 0; close(c)) got[i]++;
    }
    YES(got[0] > 0 && got[1] > 0 && got[2] > 0);
    CALL(got[0] + got[1] + got[2]);
    close(s[0]), close(s[1]);
    for (int i = 0; i < 10; i++) close(net_connect(&a));
    int rest = 0;
    for (int c; (c = accept(s[2], NULL, NULL)) >= 0; close(c)) rest++;
    CALL(rest);
    return 0;
}
