/* splice and tee wait for data and for room; a signal ends the wait. */
#include "test.h"
static int p[2], q[2];
static pthread_t main_thread;
static void *feed(void *unused) {
    for (int i = 0; i < 200; i++) write(p[1], "0123456789", 10);
    close(p[1]);
    return NULL;
}
static void *move(void *unused) {
    long total = 0;
    for (ssize_t n; (n = splice(p[0], NULL, q[1], NULL, 7, 0)) > 0;) total += n;
    printf("moved %ld\n", total);
    close(q[1]);
    return NULL;
}
static void *interrupt(void *unused) {
    char state[512] = "";
    do {
        int fd = open("/proc/self/stat", O_RDONLY);
        read(fd, state, sizeof state - 1), close(fd);
    } while (!strstr(state, ") S "));
    pthread_kill(main_thread, SIGUSR1);
    return NULL;
}
static void nothing(int signal) {}
int main(void) {
    MUST(pipe(p)), MUST(pipe(q));
    pthread_t a = test_start(feed, NULL), b = test_start(move, NULL);
    char out[64];
    long total = 0, sum = 0;
    for (ssize_t n; (n = read(q[0], out, sizeof out)) > 0; total += n)
        for (int i = 0; i < n; i++) sum += (total + i) % 10 == out[i] - '0';
    pthread_join(a, NULL), pthread_join(b, NULL);
    printf("read %ld in order %ld\n", total, sum);
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    MUST(pipe(p)), MUST(pipe(q));
    main_thread = pthread_self();
    a = test_start(interrupt, NULL);
    CALL(splice(p[0], NULL, q[1], NULL, 10, 0));
    pthread_join(a, NULL);
    return 0;
}
