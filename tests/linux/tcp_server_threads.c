/* A server with a thread for each connection and epoll clients: every answer is the right one. */
#include "net.h"
#include <sys/epoll.h>
enum { CLIENTS = 40, BYTES = 30000 };
static void *serve(void *arg) {
    int fd = (int)(long)arg;
    char block[5000];
    for (ssize_t n; (n = recv(fd, block, sizeof block, 0)) > 0;) {
        for (ssize_t i = 0; i < n; i++) block[i] ^= 0x55;
        for (ssize_t done = 0, m; done < n; done += m)
            if ((m = send(fd, block + done, n - done, MSG_NOSIGNAL)) <= 0) return NULL;
    }
    close(fd);
    return NULL;
}
static void *listen_and_start(void *arg) {
    for (int i = 0; i < CLIENTS; i++) {
        int fd = MUST(accept((int)(long)arg, NULL, NULL));
        pthread_detach(test_start(serve, (void *)(long)fd));
    }
    return NULL;
}
int main(void) {
    struct sockaddr_in address;
    static struct { int fd; long sent, got, wrong; } client[CLIENTS];
    int listener = net_listener(&address, 64), ep = MUST(epoll_create1(0));
    pthread_t acceptor = test_start(listen_and_start, (void *)(long)listener);
    for (int i = 0; i < CLIENTS; i++) {
        client[i].fd = net_connect(&address);
        fcntl(client[i].fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = (uint32_t)i};
        MUST(epoll_ctl(ep, EPOLL_CTL_ADD, client[i].fd, &event));
    }
    pthread_join(acceptor, NULL);
    for (int open = CLIENTS; open > 0;) {
        struct epoll_event events[16];
        int n = MUST(epoll_wait(ep, events, 16, 10000));
        if (n == 0) MUST(-1);
        for (int j = 0; j < n; j++) {
            int i = (int)events[j].data.u32;
            char block[3000];
            if (events[j].events & EPOLLIN) {
                ssize_t got = recv(client[i].fd, block, sizeof block, 0);
                for (ssize_t k = 0; k < got; k++)
                    client[i].wrong += (char)((client[i].got + k) * 3 + i) != (char)(block[k] ^ 0x55);
                if (got > 0) client[i].got += got;
                if (got == 0) {
                    close(client[i].fd);
                    open--;
                    continue;
                }
            }
            if (events[j].events & EPOLLOUT && client[i].sent < BYTES) {
                long step = BYTES - client[i].sent < 3000 ? BYTES - client[i].sent : 3000;
                for (long k = 0; k < step; k++) block[k] = (char)((client[i].sent + k) * 3 + i);
                ssize_t sent = send(client[i].fd, block, step, MSG_NOSIGNAL);
                if (sent > 0) client[i].sent += sent;
                if (client[i].sent == BYTES) {
                    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
                    epoll_ctl(ep, EPOLL_CTL_MOD, client[i].fd, &event);
                    shutdown(client[i].fd, SHUT_WR);
                }
            }
        }
    }
    long got = 0, wrong = 0;
    for (int i = 0; i < CLIENTS; i++) got += client[i].got, wrong += client[i].wrong;
    printf("%ld bytes back, %ld wrong\n", got, wrong);
    return 0;
}
