/* Descriptors and credentials travel over Unix sockets. */
#include "net.h"
int main(void) {
    int pair[2], ends[2];
    char byte = 'b', text[16] = "";
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    MUST(pipe(ends));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
    CALL(sendmsg(pair[0], &message, 0));
    close(ends[0]);
    memset(&control, 0, sizeof control);
    CALL(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC));
    header = CMSG_FIRSTHDR(&message);
    YES(header && header->cmsg_type == SCM_RIGHTS);
    int got;
    memcpy(&got, CMSG_DATA(header), sizeof(int));
    CALL(fcntl(got, F_GETFD));
    CALL(write(ends[1], "through it", 10));
    CALL(read(got, text, sizeof text));
    puts(text);
    struct ucred who;
    socklen_t length = sizeof who;
    CALL(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &who, &length));
    YES(who.pid == getpid() && who.uid == getuid() && who.gid == getgid());
    return 0;
}
