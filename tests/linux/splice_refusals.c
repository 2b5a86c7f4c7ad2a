/* splice and tee: pipes that nobody reads, and objects of records, which give and take nothing. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
static int signals;
static void caught(int signal) { (void)signal, signals++; }
int main(void) {
    signal(SIGPIPE, caught);
    int full[2], empty[2], ended[2], broken[2];
    MUST(pipe(full)), MUST(pipe(empty)), MUST(pipe(ended)), MUST(pipe(broken));
    MUST(write(full[1], "hello", 5));
    close(ended[1]), close(broken[0]);
    int counter = eventfd(3, EFD_NONBLOCK), set = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int flags = SPLICE_F_NONBLOCK;
    CALL(splice(ended[0], NULL, broken[1], NULL, 8, flags));
    CALL(tee(ended[0], broken[1], 8, flags));
    CALL(splice(empty[0], NULL, broken[1], NULL, 8, flags));
    CALL(splice(full[0], NULL, broken[1], NULL, 8, flags));
    CALL(splice(ended[0], NULL, empty[1], NULL, 8, flags));
    printf("signals %d\n", signals);
    CALL(splice(full[0], NULL, counter, NULL, 8, flags));
    CALL(splice(empty[0], NULL, counter, NULL, 8, flags));
    CALL(splice(full[0], NULL, set, NULL, 8, flags));
    CALL(splice(counter, NULL, empty[1], NULL, 8, flags));
    CALL(splice(timer, NULL, empty[1], NULL, 8, flags));
    CALL(splice(counter, NULL, broken[1], NULL, 8, flags));
    CALL(splice(set, NULL, empty[1], NULL, 8, flags));
    return 0;
}
