/* A listener that is shut down: who waits in accept returns, and clients are refused. */
#include "net.h"
static int s;
static void *wait_for(void *arg) { return (void *)(long)(accept(s, NULL, NULL) < 0 ? -errno : 0); }
int main(void) {
    struct sockaddr_in a;
    void *result;
    s = net_listener(&a, 1);
    pthread_t thread = test_start(wait_for, NULL);
    test_sleep_ms(5);
    CALL(shutdown(s, SHUT_WR));
    CALL(shutdown(s, SHUT_RDWR));
    pthread_join(thread, &result);
    CALL((long)result == -EINVAL);
    struct pollfd p = {s, POLLIN | POLLOUT};
    CALL(poll(&p, 1, 0));
    printf("%#x\n", (unsigned)p.revents);
    CALL(accept(s, NULL, NULL));
    CALL(connect(MUST(socket(AF_INET, SOCK_STREAM, 0)), (void *)&a, sizeof a));
    CALL(getsockname(s, (void *)&a, &(socklen_t){sizeof a}));
    CALL(close(s));
    return 0;
}
