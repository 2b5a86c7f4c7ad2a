/* Threads blocked in accept, recv and connect's poll are woken by what happens, and by close of the peer. */
#include "net.h"
static void *in_accept(void *arg) {
    int fd = accept((int)(long)arg, NULL, NULL);
    return (void *)(long)(fd < 0 ? -errno : fd);
}
static void *in_recv(void *arg) {
    char byte;
    return (void *)(long)recv((int)(long)arg, &byte, 1, 0);
}
int main(void) {
    struct sockaddr_in address;
    void *result;
    int listener = net_listener(&address, 5);
    pthread_t one = test_start(in_accept, (void *)(long)listener), two = test_start(in_accept, (void *)(long)listener);
    test_sleep_ms(10);
    int a = net_connect(&address), b = net_connect(&address);
    pthread_join(one, &result);
    int c = (int)(long)result;
    pthread_join(two, &result);
    int d = (int)(long)result;
    YES(c > 0 && d > 0 && c != d);
    one = test_start(in_recv, (void *)(long)a), two = test_start(in_recv, (void *)(long)b);
    test_sleep_ms(10);
    close(c), close(d);
    pthread_join(one, &result);
    CALL((long)result);
    pthread_join(two, &result);
    CALL((long)result);
    one = test_start(in_accept, (void *)(long)listener);
    test_sleep_ms(10);
    CALL(shutdown(listener, SHUT_RDWR));
    pthread_join(one, &result);
    CALL((long)result);
    int end[2];
    net_pair(end);
    one = test_start(in_recv, (void *)(long)end[0]);
    test_sleep_ms(10);
    CALL(shutdown(end[0], SHUT_RD));
    pthread_join(one, &result);
    CALL((long)result);
    return 0;
}
