/* select: which sets report what, errors, time-outs that are written back. */
#include "test.h"
#include <sys/select.h>
int main(void) {
    int p[2], q[2];
    fd_set r, w, x;
    struct timeval t = {0, 0};
    MUST(pipe(p)), MUST(pipe(q));
    FD_ZERO(&r); FD_ZERO(&w); FD_ZERO(&x);
    FD_SET(p[0], &r); FD_SET(p[1], &w); FD_SET(p[0], &x); FD_SET(q[0], &r);
    close(q[1]);
    int most = q[1] + 1;
    CALL(select(most, &r, &w, &x, &t));
    CALL(FD_ISSET(p[0], &r) * 100 + FD_ISSET(q[0], &r) * 10 + FD_ISSET(p[1], &w));
    CALL(FD_ISSET(p[0], &x));
    FD_ZERO(&r); FD_SET(q[1], &r);
    CALL(select(most, &r, NULL, NULL, &t));
    CALL(FD_ISSET(q[1], &r) != 0);
    CALL(select(-1, NULL, NULL, NULL, &t));
    t.tv_sec = -1;
    CALL(select(0, NULL, NULL, NULL, &t));
    t.tv_sec = 0, t.tv_usec = -1;
    CALL(select(0, NULL, NULL, NULL, &t));
    t.tv_usec = 2000000;
    FD_ZERO(&r); FD_SET(q[0], &r);
    CALL(select(most, &r, NULL, NULL, &t));
    YES(t.tv_sec == 1 || t.tv_sec == 2);
    t.tv_sec = 0, t.tv_usec = 3000;
    FD_ZERO(&r); FD_SET(p[0], &r);
    CALL(select(most, &r, NULL, NULL, &t));
    CALL(t.tv_sec + t.tv_usec);
    CALL(syscall(SYS_select, most, (void *)8, NULL, NULL, &t));
    CALL(syscall(SYS_select, 0, NULL, NULL, NULL, (void *)8));
    FD_ZERO(&r); FD_SET(p[0], &r);
    CALL(select(p[0], &r, NULL, NULL, &t));
    CALL(FD_ISSET(p[0], &r) != 0);
    close(p[0]);
    FD_ZERO(&w); FD_SET(p[1], &w);
    CALL(select(most, NULL, &w, NULL, &t));
    CALL(FD_ISSET(p[1], &w) != 0);
    return 0;
}
