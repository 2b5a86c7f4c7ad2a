/* SIGEV_THREAD: a function runs in a thread when a message arrives in an empty queue. */
#include "mq.h"
#include <semaphore.h>
static sem_t told;
static volatile int value;
static void on(union sigval v) {
    value = v.sival_int;
    sem_post(&told);
}
int main(void) {
    mqd_t q = mq_fresh(O_RDWR, 5, 8);
    char text[8];
    sem_init(&told, 0, 0);
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on, .sigev_value.sival_int = 5};
    for (int i = 0; i < 3; i++) {
        e.sigev_value.sival_int = i + 5;
        CALL(mq_notify(q, &e));
        CALL(mq_send(q, "a", 1, 0));
        sem_wait(&told);
        CALL(value);
        CALL(mq_receive(q, text, 8, NULL));
    }
    return 0;
}
