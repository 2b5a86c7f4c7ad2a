/* mq_open and mq_unlink: flags, names, modes, attributes that are refused, queues without a name. */
#include "mq.h"
int main(void) {
    char text[8200], byte[1] = "x";
    struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 8};
    const char *name = mq_name();
    CALL(mq_open(name, O_RDWR));
    CALL(mq_unlink(name));
    CALL(mq_open("no-slash", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
    memset(text, 'n', 300), text[0] = '/', text[300] = 0;
    CALL(mq_open(text, O_RDWR | O_CREAT, 0600, NULL));
    a.mq_maxmsg = 0;
    CALL(mq_open(name, O_RDWR | O_CREAT, 0600, &a));
    a.mq_maxmsg = -1;
    CALL(mq_open(name, O_RDWR | O_CREAT, 0600, &a));
    a.mq_maxmsg = 2, a.mq_msgsize = 0;
    CALL(mq_open(name, O_RDWR | O_CREAT, 0600, &a));
    a.mq_msgsize = 8;
    mqd_t q = MUST(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    CALL(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    a.mq_maxmsg = -5;
    mqd_t second = MUST(mq_open(name, O_RDONLY | O_CREAT, 0600, &a));
    CALL(mq_getattr(second, &a));
    CALL(a.mq_maxmsg * 100 + a.mq_msgsize);
    CALL(mq_send(second, byte, 1, 0));
    mqd_t third = MUST(mq_open(name, O_WRONLY));
    CALL(mq_receive(third, text, sizeof text, NULL));
    CALL(mq_send(third, byte, 1, 0));
    CALL(mq_unlink(name));
    CALL(mq_unlink(name));
    CALL(mq_open(name, O_RDWR));
    CALL(mq_receive(second, text, sizeof text, NULL));
    CALL(mq_close(q));
    CALL(mq_close(q));
    CALL(mq_send(q, byte, 1, 0));
    CALL(mq_getattr(0, &a));
    CALL(mq_send(0, byte, 1, 0));
    CALL(mq_receive(-1, text, sizeof text, NULL));
    return 0;
}
