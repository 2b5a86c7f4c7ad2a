/* Message queues in poll and epoll. */
#include "mq.h"
#include <poll.h>
#include <sys/epoll.h>
static void show(mqd_t q) {
    struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
    int n = poll(&p, 1, 0);
    printf("poll: %d %#x\n", n, (unsigned)p.revents);
}
static void *send_one(void *q) { return (void *)(long)mq_send(*(mqd_t *)q, "t", 1, 0); }
int main(void) {
    mqd_t q = mq_fresh(O_RDWR, 2, 8);
    char text[8];
    show(q);
    CALL(mq_send(q, "a", 1, 0));
    show(q);
    CALL(mq_send(q, "b", 1, 0));
    show(q);
    CALL(mq_receive(q, text, 8, NULL));
    CALL(mq_receive(q, text, 8, NULL));
    int set = MUST(epoll_create1(0));
    struct epoll_event e = {.events = EPOLLIN | EPOLLET}, got;
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, q, &e));
    pthread_t thread = test_start(send_one, &q);
    CALL(epoll_wait(set, &got, 1, 5000));
    pthread_join(thread, NULL);
    CALL(epoll_wait(set, &got, 1, 0));
    CALL(mq_receive(q, text, 8, NULL));
    show(q);
    return 0;
}
