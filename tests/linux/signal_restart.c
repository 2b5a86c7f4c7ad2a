/* SA_RESTART goes on with a read, not with poll or nanosleep; without it, EINTR. */
#include "test.h"
#include <poll.h>
static int ends[2];
static volatile int handled;
static void handler(int sig) { handled++; }
static pthread_t main_thread;
static void *disturb(void *arg) {
    test_sleep_ms(20);
    pthread_kill(main_thread, SIGUSR1);
    if (arg) {
        test_sleep_ms(20);
        write(ends[1], "x", 1);
    }
    return NULL;
}
int main(void) {
    char byte;
    MUST(pipe(ends));
    main_thread = pthread_self();
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction act = {.sa_handler = handler, .sa_flags = restart ? SA_RESTART : 0};
        sigaction(SIGUSR1, &act, NULL);
        printf("restart %d\n", restart);
        handled = 0;
        pthread_t thread = test_start(disturb, restart ? "write" : NULL);
        CALL(read(ends[0], &byte, 1));
        pthread_join(thread, NULL);
        CALL(handled);
        struct pollfd p = {.fd = ends[0], .events = POLLIN};
        thread = test_start(disturb, NULL);
        CALL(poll(&p, 1, 10000));
        pthread_join(thread, NULL);
        struct timespec sleep = {10, 0}, left;
        thread = test_start(disturb, NULL);
        CALL(nanosleep(&sleep, &left));
        pthread_join(thread, NULL);
        YES(left.tv_sec == 9);
        thread = test_start(disturb, NULL);
        CALL(pause());
        pthread_join(thread, NULL);
        int word = 0;
        thread = test_start(disturb, NULL);
        struct timespec until = {10, 0};
        if (!restart) CALL(syscall(SYS_futex, &word, 128, 0, &until, NULL, 0));
        pthread_join(thread, NULL);
        CALL(handled);
    }
    return 0;
}
