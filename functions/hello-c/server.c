/* hello-c: the smallest server of the gallery. One thread, one connection at a time, a static binary. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* Reads up to the empty line that ends a request's head. */
static int read_head(int fd, char *head, size_t size) {
    size_t used = 0;
    head[0] = 0;
    while (!strstr(head, "\r\n\r\n")) {
        if (used == size - 1) return -1;
        ssize_t n = read(fd, head + used, size - 1 - used);
        if (n <= 0) return -1;
        used += (size_t)n;
        head[used] = 0;
    }
    return 0;
}

static void write_all(int fd, const char *data, size_t left) {
    while (left > 0) {
        ssize_t n = write(fd, data, left);
        if (n <= 0) return;
        data += n;
        left -= (size_t)n;
    }
}

static void answer(int fd, unsigned long count) {
    char head[4096], body[128], reply[512];
    if (read_head(fd, head, sizeof head) < 0) return;
    int found = strncmp(head, "GET / ", 6) == 0;
    int length = found ? snprintf(body, sizeof body, "hello from C, request %lu, pid %d\n", count, getpid())
                       : snprintf(body, sizeof body, "not found\n");
    int total = snprintf(reply, sizeof reply,
                         "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                         "Connection: close\r\n\r\n%s",
                         found ? "200 OK" : "404 Not Found", length, body);
    write_all(fd, reply, (size_t)total);
}

int main(void) {
    const char *port = getenv("PORT");
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    address.sin_port = htons((unsigned short)(port ? atoi(port) : 8080));
    signal(SIGPIPE, SIG_IGN);
    if (listener < 0) fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 128) < 0) fail("listen");
    for (unsigned long count = 1;; count++) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) fail("accept");
        answer(client, count);
        close(client);
    }
}
