/* A Unix socket pair between processes: messages both ways, descriptors passed, the end seen.
 */
#include "test.h"
#include <sys/wait.h>

#include <sys/socket.h>

int main(void) {
    int pair[2], status;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        int ends[2];
        MUST(pipe(ends));
        char byte = 'd', room[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec vector = {&byte, 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
        if (sendmsg(pair[1], &message, 0) != 1) _exit(1);
        close(ends[0]);
        char text[16];
        if (recv(pair[1], text, 4, MSG_WAITALL) != 4) _exit(2);
        if (write(ends[1], "through", 7) != 7) _exit(3);
        _exit(0);
    }
    close(pair[1]);
    char byte, room[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    CALL(recvmsg(pair[0], &message, 0));
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    CALL(send(pair[0], "okay", 4, 0));
    char text[16] = "";
    CALL(read(fd, text, sizeof text));
    printf("%s\n", text);
    CALL(read(fd, text, sizeof text));
    YES(waitpid(child, &status, 0) == child && status == 0);
    CALL(recv(pair[0], &byte, 1, 0));
    return 0;
}
