/* Several senders and receivers block on a small queue: nothing is lost or doubled. */
#include "mq.h"
static mqd_t q;
static _Atomic int seen[400];
static void *sender(void *arg) {
    for (int i = 0; i < 100; i++) {
        int number = (int)(long)arg * 100 + i;
        if (mq_send(q, (char *)&number, sizeof number, (unsigned)i % 3)) return (void *)1;
    }
    return NULL;
}
static void *receiver(void *arg) {
    for (int i = 0; i < 100; i++) {
        int number;
        if (mq_receive(q, (char *)&number, sizeof number, NULL) != sizeof number) return (void *)1;
        seen[number]++;
    }
    return NULL;
}
int main(void) {
    pthread_t threads[8];
    q = mq_fresh(O_RDWR, 3, sizeof(int));
    for (long i = 0; i < 4; i++) threads[i] = test_start(sender, (void *)i), threads[4 + i] = test_start(receiver, NULL);
    for (int i = 0; i < 8; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        CALL((long)bad);
    }
    int wrong = 0;
    for (int i = 0; i < 400; i++) wrong += seen[i] != 1;
    CALL(wrong);
    return 0;
}
