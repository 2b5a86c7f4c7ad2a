/* EFD_SEMAPHORE hands out one at a time; blocked readers each get one. */
#include "test.h"
#include <sys/eventfd.h>
static int fd;
static _Atomic int taken;
static void *take(void *arg) {
    eventfd_t value;
    for (int i = 0; i < 50; i++) {
        if (eventfd_read(fd, &value) || value != 1) return (void *)1;
        taken++;
    }
    return NULL;
}
int main(void) {
    eventfd_t value;
    pthread_t threads[4];
    fd = MUST(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK));
    for (int i = 0; i < 4; i++) {
        value = 0;
        CALL(eventfd_read(fd, &value));
        CALL(value);
    }
    close(fd);
    fd = MUST(eventfd(0, EFD_SEMAPHORE));
    for (int i = 0; i < 4; i++) threads[i] = test_start(take, NULL);
    for (int i = 0; i < 40; i++) MUST(eventfd_write(fd, 5));
    for (int i = 0; i < 4; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        CALL((long)bad);
    }
    CALL(taken);
    return 0;
}
