/* hello-c-threads: main accepts and queues, eight workers wait on a condition variable and answer. Dynamically linked. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 8, QUEUE = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, drained = PTHREAD_COND_INITIALIZER;
static int queue[QUEUE];
static unsigned head, tail; /* they run freely; the slot is the number modulo QUEUE */
static unsigned long served;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void put(int client) {
    pthread_mutex_lock(&lock);
    while (tail - head == QUEUE) pthread_cond_wait(&drained, &lock);
    queue[tail++ % QUEUE] = client;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
}

static int take(unsigned long *count) {
    pthread_mutex_lock(&lock);
    while (tail == head) pthread_cond_wait(&filled, &lock);
    int client = queue[head++ % QUEUE];
    *count = ++served;
    pthread_cond_signal(&drained);
    pthread_mutex_unlock(&lock);
    return client;
}

/* Reads up to the empty line that ends a request's head. */
static int read_head(int fd, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    while (!strstr(text, "\r\n\r\n")) {
        if (used == size - 1) return -1;
        ssize_t n = read(fd, text + used, size - 1 - used);
        if (n <= 0) return -1;
        used += (size_t)n;
        text[used] = 0;
    }
    return 0;
}

static void answer(int fd, unsigned long count, long worker) {
    char text[4096], body[128];
    if (read_head(fd, text, sizeof text) < 0) return;
    int found = strncmp(text, "GET / ", 6) == 0;
    int length = found ? snprintf(body, sizeof body, "hello from worker %ld of %d, request %lu, pid %d\n", worker,
                                  WORKERS, count, getpid())
                       : snprintf(body, sizeof body, "not found\n");
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
            found ? "200 OK" : "404 Not Found", length, body);
}

static void *work(void *number) {
    for (;;) {
        unsigned long count;
        int client = take(&count);
        answer(client, count, (long)number);
        close(client);
    }
    return NULL;
}

int main(void) {
    const char *port = getenv("PORT");
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    address.sin_port = htons((unsigned short)(port ? atoi(port) : 8080));
    signal(SIGPIPE, SIG_IGN);
    if (listener < 0) fail("socket");
    for (long number = 1; number <= WORKERS; number++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)number) != 0) fail("pthread_create");
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 128) < 0) fail("listen");
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) fail("accept");
        put(client);
    }
}
