/* Unix stream sockets: in the file system, abstract, unnamed pairs; SIGPIPE; the file stays. */
#include "net.h"
static void *greet(void *arg) {
    int fd = MUST(accept((int)(long)arg, NULL, NULL));
    send(fd, "greetings", 9, 0);
    close(fd);
    return NULL;
}
int main(void) {
    char text[32] = "";
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"}, name;
    socklen_t length = sizeof name;
    struct stat s;
    test_scratch_directory();
    int listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(client, (struct sockaddr *)&address, sizeof address));
    CALL(bind(listener, (struct sockaddr *)&address, sizeof address));
    CALL(connect(client, (struct sockaddr *)&address, sizeof address));
    CALL(listen(listener, 5));
    CALL(stat("socket", &s));
    YES(S_ISSOCK(s.st_mode));
    CALL(open("socket", O_RDONLY));
    pthread_t thread = test_start(greet, (void *)(long)listener);
    CALL(connect(client, (struct sockaddr *)&address, sizeof address));
    pthread_join(thread, NULL);
    CALL(getpeername(client, (struct sockaddr *)&name, &length));
    printf("%s\n", name.sun_path);
    CALL(recv(client, text, sizeof text, 0));
    puts(text);
    CALL(recv(client, text, sizeof text, 0));
    int again = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(bind(again, (struct sockaddr *)&address, sizeof address));
    close(listener);
    CALL(connect(again, (struct sockaddr *)&address, sizeof address));
    CALL(unlink("socket"));
    CALL(connect(again, (struct sockaddr *)&address, sizeof address));
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + snprintf(abstract.sun_path + 1, 60, "catalyzer-test-%d", getpid()));
    listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(bind(listener, (struct sockaddr *)&abstract, length));
    CALL(listen(listener, 1));
    CALL(connect(again, (struct sockaddr *)&abstract, length));
    int pair[2];
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CALL(send(pair[0], "abc", 3, 0));
    CALL(recv(pair[1], text, 2, MSG_PEEK));
    CALL(recv(pair[1], text, 3, MSG_WAITALL));
    CALL(shutdown(pair[0], SHUT_WR));
    CALL(recv(pair[1], text, 3, 0));
    CALL(send(pair[1], "x", 1, 0));
    CALL(close(pair[0]));
    CALL(send(pair[1], "x", 1, MSG_NOSIGNAL));
    CALL(socketpair(AF_UNIX, 99, 0, pair));
    CALL(socketpair(AF_INET, SOCK_STREAM, 0, pair));
    test_remove_scratch_directory();
    return 0;
}
