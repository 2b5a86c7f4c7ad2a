/* Descriptors that have no room in the control buffer are closed and MSG_CTRUNC tells; none of them leak. */
#include "net.h"
static void send_three(int fd, int pipe_end) {
    char control[CMSG_SPACE(3 * sizeof(int))] = {0};
    struct iovec part = {"x", 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(3 * sizeof(int));
    int fds[3] = {pipe_end, pipe_end, pipe_end};
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    MUST(sendmsg(fd, &m, 0));
}
int main(void) {
    int end[2], p[2];
    char byte;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, end));
    for (size_t room = 0; room <= CMSG_SPACE(3 * sizeof(int)); room += 4) {
        char control[CMSG_SPACE(3 * sizeof(int))] = {0};
        MUST(pipe(p));
        send_three(end[0], p[1]);
        close(p[1]);
        struct iovec part = {&byte, 1};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room ? control : NULL, .msg_controllen = room};
        MUST(recvmsg(end[1], &m, MSG_CMSG_CLOEXEC));
        struct cmsghdr *c = m.msg_controllen >= sizeof *c ? (struct cmsghdr *)control : NULL;
        int count = c ? (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
        printf("room %zu: %d, truncated %d, length %zu\n", room, count, (m.msg_flags & MSG_CTRUNC) != 0, (size_t)m.msg_controllen);
        for (int i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (fcntl(fd, F_GETFD) != FD_CLOEXEC) puts("no close-on-exec");
            close(fd);
        }
        CALL(read(p[0], &byte, 1));
        close(p[0]);
    }
    return 0;
}
