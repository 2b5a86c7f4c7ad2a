/* A full backlog: EAGAIN without waiting, a place when one is accepted, refusal when the listener goes. */
#include "net.h"
static struct sockaddr_un a = {.sun_family = AF_UNIX};
static socklen_t len;
static void *connect_one(void *arg) {
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    return (void *)(long)(connect(c, (void *)&a, len) ? -errno : 0);
}
int main(void) {
    void *result;
    snprintf(a.sun_path + 1, 30, "backlog-%d", (int)getpid());
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 24);
    int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(bind(s, (void *)&a, len)), MUST(listen(s, 1));
    for (int i = 0; i < 4; i++) {
        int c = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        printf("%d: ", i);
        CALL(connect(c, (void *)&a, len));
    }
    struct timeval soon = {0, 2000};
    int c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon));
    CALL(connect(c, (void *)&a, len));
    pthread_t thread = test_start(connect_one, NULL);
    CALL(accept(s, NULL, NULL) > 0);
    pthread_join(thread, &result);
    CALL((long)result);
    thread = test_start(connect_one, NULL);
    struct pollfd p = {.fd = s, .events = POLLIN};
    CALL(poll(&p, 1, 0));
    test_sleep_ms(5);
    close(s);
    pthread_join(thread, &result);
    YES((long)result == -ECONNREFUSED);
    return 0;
}
