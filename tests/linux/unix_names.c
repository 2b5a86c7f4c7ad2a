/* Names: paths, abstract ones, autobind, lengths, in use, gone, not sockets; what getsockname answers. */
#include "net.h"
static void show(int fd) {
    struct sockaddr_un a = {0};
    socklen_t len = sizeof a;
    int e = getsockname(fd, (struct sockaddr *)&a, &len);
    printf("getsockname: %d length %u family %d first %d\n", e, len, a.sun_family == AF_UNIX, len > 2 ? a.sun_path[0] : -1);
}
static socklen_t name(struct sockaddr_un *a, const char *path, size_t len) {
    memset(a, 0, sizeof *a), a->sun_family = AF_UNIX, memcpy(a->sun_path, path, len);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}
int main(void) {
    struct sockaddr_un a;
    test_scratch_directory();
    int s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), t = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), u;
    show(s);
    socklen_t len = name(&a, "path", 5);
    CALL(connect(t, (void *)&a, len));
    CALL(bind(s, (void *)&a, len));
    show(s);
    CALL(bind(s, (void *)&a, len));
    CALL(bind(t, (void *)&a, len));
    CALL(connect(t, (void *)&a, len));
    CALL(listen(s, 1));
    CALL(connect(t, (void *)&a, len));
    struct stat st;
    CALL(stat("path", &st));
    CALL(S_ISSOCK(st.st_mode));
    CALL(open("path", O_RDWR));
    close(s);
    u = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(u, (void *)&a, len));
    CALL(bind(u, (void *)&a, len));
    CALL(unlink("path"));
    CALL(bind(u, (void *)&a, 2));
    show(u);
    test_write_file("file", "x");
    len = name(&a, "file", 5);
    CALL(connect(t = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, len));
    CALL(bind(t, (void *)&a, len));
    CALL(unlink("file"));
    len = name(&a, "no/such", 8);
    CALL(bind(t, (void *)&a, len));
    CALL(bind(t, (void *)&a, 1));
    CALL(bind(t, (void *)&a, 111));
    a.sun_family = AF_INET;
    CALL(bind(t, (void *)&a, len));
    CALL(connect(t, (void *)&a, len));
    len = name(&a, "\0abstract-\0name-of-the-test", 26);
    snprintf(a.sun_path + 11, 12, "%d", (int)getpid());
    CALL(bind(t, (void *)&a, len));
    show(t);
    CALL(bind(s = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, len));
    CALL(connect(s, (void *)&a, len));
    CALL(listen(t, 0));
    CALL(connect(s, (void *)&a, len - 1));
    CALL(connect(s, (void *)&a, len));
    close(t);
    CALL(connect(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, len));
    CALL(connect(MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), (void *)&a, len));
    test_remove_scratch_directory();
    return 0;
}
