/* The least that answers HTTP: one request a connection. */
#ifndef HTTP_H
#define HTTP_H

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int holds, const char *what) {
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    must(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 16), "listen");
    return listener;
}

static void answer(int listener, void (*body)(char *text, size_t room)) {
    char request[4096], text[1024], head[256];
    int client = accept(listener, 0, 0);
    must(client >= 0 && read(client, request, sizeof request) > 0, "request");
    body(text, sizeof text);
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                       strlen(text));
    must(write(client, head, len) == len && write(client, text, strlen(text)) > 0, "answer");
    close(client);
}

#endif
