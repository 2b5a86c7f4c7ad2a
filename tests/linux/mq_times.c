/* mq_timedsend and mq_timedreceive: time-outs, wrong times, O_NONBLOCK by mq_setattr. */
#include "mq.h"
int main(void) {
    mqd_t q = mq_fresh(O_RDWR, 1, 8);
    char text[8];
    struct timespec past = {1, 0}, wrong = {1, 1000000000}, soon;
    CALL(mq_timedreceive(q, text, 8, NULL, &past));
    CALL(mq_timedreceive(q, text, 8, NULL, &wrong));
    CALL(mq_timedsend(q, "a", 1, 0, &wrong));
    CALL(mq_timedsend(q, "a", 1, 0, &past));
    CALL(mq_timedsend(q, "b", 1, 0, &past));
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 3000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    CALL(mq_timedsend(q, "b", 1, 0, &soon));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    YES(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
    struct mq_attr a = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 77}, old;
    CALL(mq_setattr(q, &a, &old));
    CALL(old.mq_flags);
    CALL(old.mq_curmsgs);
    CALL(mq_send(q, "b", 1, 0));
    CALL(mq_timedsend(q, "b", 1, 0, &past));
    CALL(mq_receive(q, text, 8, NULL));
    CALL(mq_receive(q, text, 8, NULL));
    CALL(mq_getattr(q, &old));
    CALL(old.mq_flags == O_NONBLOCK);
    CALL(old.mq_maxmsg);
    a.mq_flags = O_APPEND;
    CALL(mq_setattr(q, &a, NULL));
    CALL(syscall(SYS_mq_getsetattr, q, NULL, NULL));
    CALL(syscall(SYS_mq_getsetattr, q, (void *)8, NULL));
    CALL(syscall(SYS_mq_timedreceive, q, text, 8, NULL, (void *)8));
    return 0;
}
