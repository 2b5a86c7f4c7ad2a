/* Pipes and sockets have the owner who made them and a mode: fstat, fchmod, fchown, futimens.
 * test: needs root
 */
#include "test.h"
#include <grp.h>
#include <sys/socket.h>
static void show(const char *what, int fd) {
    struct stat st;
    MUST(fstat(fd, &st));
    printf("%s: mode %o owner %d %d\n", what, st.st_mode, st.st_uid, st.st_gid);
}
int main(void) {
    int old[2], ends[2], pair[2];
    struct timespec times[2] = {{1, 0}, {2, 0}};
    MUST(pipe(old));
    show("root's pipe", old[0]);
    CALL(fchmod(old[0], 0640));
    show("changed", old[0]);
    show("the other end", old[1]);
    CALL(fchown(old[1], 5, 6));
    show("given away", old[0]);
    int tcp = MUST(socket(AF_INET, SOCK_STREAM, 0));
    show("root's socket", tcp);
    CALL(fchmod(tcp, 0600));
    show("changed", tcp);
    MUST(setgroups(0, NULL));
    MUST(setresgid(2000, 2000, 2000));
    MUST(setresuid(1000, 1000, 1000));
    MUST(pipe(ends));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    show("pipe", ends[0]);
    show("socket", pair[0]);
    CALL(fchmod(ends[1], 0666));
    show("pipe", ends[0]);
    CALL(fchmod(pair[1], 0400));
    show("that end", pair[1]);
    show("this end", pair[0]);
    CALL(fchown(ends[0], -1, 2000));
    CALL(fchown(ends[0], 1000, -1));
    CALL(fchown(ends[0], 0, -1));
    CALL(fchown(ends[0], -1, 77));
    CALL(futimens(ends[0], times));
    CALL(futimens(ends[0], NULL));
    CALL(fchmod(old[0], 0600));
    CALL(fchown(old[0], -1, -1));
    CALL(fchown(old[0], 1000, -1));
    CALL(futimens(old[0], NULL));
    CALL(fchmod(tcp, 0666));
    return 0;
}
