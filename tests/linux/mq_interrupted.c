/* A signal ends mq_receive with EINTR, or restarts it with SA_RESTART. */
#include "mq.h"
static mqd_t q;
static pthread_t main_thread;
static volatile int signals;
static void on(int s) { if (++signals == 2) mq_send(q, "late", 4, 0); }
static void *prod(void *arg) {
    pthread_kill(main_thread, SIGUSR1);
    return NULL;
}
int main(void) {
    char text[8];
    main_thread = pthread_self();
    q = mq_fresh(O_RDWR, 2, 8);
    struct sigaction action = {.sa_handler = on};
    sigset_t usr1;
    sigemptyset(&usr1), sigaddset(&usr1, SIGUSR1);
    for (int restart = 0; restart < 2; restart++) {
        action.sa_flags = restart ? SA_RESTART : 0;
        sigaction(SIGUSR1, &action, NULL);
        pthread_t thread = test_start(prod, NULL);
        long n;
        /* Should the signal come before the wait, it is sent once more. */
        if (!restart) {
            struct timespec far;
            clock_gettime(CLOCK_REALTIME, &far);
            far.tv_sec += 1;
            n = mq_timedreceive(q, text, 8, NULL, &far);
            YES(n == -1 && (errno == EINTR || errno == ETIMEDOUT));
        } else {
            n = mq_receive(q, text, 8, NULL);
            CALL(n);
        }
        pthread_join(thread, NULL);
    }
    CALL(signals);
    return 0;
}
