/* Messages come by priority, then by age; attributes; sizes that are refused. */
#include "mq.h"
int main(void) {
    mqd_t q = mq_fresh(O_RDWR | O_NONBLOCK, 5, 16);
    char text[17] = "";
    unsigned priority;
    struct mq_attr a;
    CALL(mq_getattr(q, &a));
    printf("%ld %ld %ld %d\n", a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs, a.mq_flags == O_NONBLOCK);
    CALL(mq_send(q, "low", 3, 1));
    CALL(mq_send(q, "high", 4, 9));
    CALL(mq_send(q, "low too", 7, 1));
    CALL(mq_send(q, "", 0, 32767));
    CALL(mq_send(q, "none", 4, 0));
    CALL(mq_send(q, "x", 1, 0));
    CALL(mq_getattr(q, &a));
    CALL(a.mq_curmsgs);
    for (int i = 0; i < 6; i++) {
        memset(text, 0, sizeof text);
        priority = 77;
        long n = mq_receive(q, text, 16, &priority);
        printf("%ld %s %u %s\n", n, text, priority, n < 0 ? test_errno_name(errno) : "");
    }
    CALL(mq_send(q, "0123456789abcdefg", 17, 0));
    CALL(mq_send(q, "0123456789abcdef", 16, 32768));
    CALL(mq_send(q, "0123456789abcdef", 16, 0));
    CALL(mq_receive(q, text, 15, NULL));
    CALL(mq_receive(q, text, 16, NULL));
    CALL(fcntl(q, F_GETFD));
    return 0;
}
