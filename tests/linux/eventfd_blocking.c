/* A full eventfd makes writers wait, an empty one readers; reading wakes them. */
#include "test.h"
#include <sys/eventfd.h>
static int fd;
static void *add(void *arg) { return (void *)(long)eventfd_write(fd, 10); }
static void *take(void *arg) {
    static eventfd_t value;
    return eventfd_read(fd, &value) ? NULL : &value;
}
int main(void) {
    eventfd_t value;
    void *result;
    fd = MUST(eventfd(0, 0));
    MUST(eventfd_write(fd, UINT64_MAX - 1));
    pthread_t thread = test_start(add, NULL);
    MUST(eventfd_read(fd, &value));
    YES(value == UINT64_MAX - 1);
    pthread_join(thread, &result);
    CALL((long)result);
    MUST(eventfd_read(fd, &value));
    CALL(value);
    thread = test_start(take, NULL);
    MUST(eventfd_write(fd, 33));
    pthread_join(thread, &result);
    CALL(*(eventfd_t *)result);
    return 0;
}
