/* eventfd: adds, drains, semaphores, overflow, blocking. */
#include "test.h"
#include <poll.h>
#include <sys/eventfd.h>
static void *add_later(void *fd) {
    test_sleep_ms(10);
    eventfd_write((int)(long)fd, 40);
    return NULL;
}
int main(void) {
    eventfd_t value;
    int fd = MUST(eventfd(3, EFD_NONBLOCK));
    CALL(eventfd_write(fd, 4));
    CALL(eventfd_read(fd, &value));
    CALL(value);
    CALL(eventfd_read(fd, &value));
    CALL(eventfd_write(fd, UINT64_MAX));
    CALL(eventfd_write(fd, UINT64_MAX - 1));
    CALL(eventfd_write(fd, 1));
    struct pollfd poller = {.fd = fd, .events = POLLIN | POLLOUT};
    CALL(poll(&poller, 1, 0));
    YES(poller.revents == POLLIN);
    CALL(read(fd, &value, 4));
    CALL(write(fd, &value, 4));
    int semaphore = MUST(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE | EFD_CLOEXEC));
    CALL(eventfd_read(semaphore, &value));
    CALL(value);
    CALL(eventfd_read(semaphore, &value));
    CALL(eventfd_read(semaphore, &value));
    CALL(eventfd(0, 1 << 20));
    int blocking = MUST(eventfd(0, 0));
    pthread_t thread = test_start(add_later, (void *)(long)blocking);
    CALL(eventfd_read(blocking, &value));
    CALL(value);
    pthread_join(thread, NULL);
    return 0;
}
