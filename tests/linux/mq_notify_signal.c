/* mq_notify: told once, of a message in an empty queue, by a signal with a value; busy; taken back. */
#include "mq.h"
static volatile int value, code, mine;
static void on(int s, siginfo_t *info, void *c) {
    value = info->si_value.sival_int, code = info->si_code, mine = info->si_pid == getpid();
}
int main(void) {
    mqd_t q = mq_fresh(O_RDWR, 5, 8);
    char text[8];
    struct sigaction action = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 7};
    CALL(mq_notify(q, &e));
    CALL(mq_notify(q, &e));
    CALL(mq_send(q, "a", 1, 0));
    CALL(value);
    CALL(code == SI_MESGQ);
    CALL(mine);
    value = 0;
    CALL(mq_send(q, "b", 1, 0));
    CALL(value);
    CALL(mq_notify(q, &e));
    CALL(mq_send(q, "c", 1, 0));
    CALL(value);
    for (int i = 0; i < 3; i++) CALL(mq_receive(q, text, 8, NULL));
    e.sigev_value.sival_int = 8;
    CALL(mq_notify(q, NULL));
    CALL(mq_notify(q, NULL));
    CALL(mq_notify(q, &e));
    CALL(mq_send(q, "d", 1, 0));
    CALL(value);
    e.sigev_signo = 77;
    CALL(mq_notify(q, &e));
    e.sigev_notify = 99;
    CALL(mq_notify(q, &e));
    e.sigev_notify = SIGEV_NONE;
    CALL(mq_notify(q, &e));
    CALL(mq_notify(q, &e));
    CALL(mq_notify(0, &e));
    return 0;
}
