/* POSIX message queues of the tests: names of their own, removed at once unless kept. */
#ifndef MQ_H
#define MQ_H
#include "test.h"
#include <mqueue.h>

static inline const char *mq_name(void) {
    static char name[64];
    if (!*name) snprintf(name, sizeof name, "/catalyzer-test-%d-%ld", (int)getpid(), (long)time(NULL));
    return name;
}

/* A new queue that nobody else finds. */
static inline mqd_t mq_fresh(int flags, long messages, long size) {
    struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = size};
    mqd_t queue = (mqd_t)MUST(mq_open(mq_name(), O_CREAT | O_EXCL | flags, 0600, &attributes));
    MUST(mq_unlink(mq_name()));
    return queue;
}
#endif
