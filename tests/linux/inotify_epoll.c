/* inotify: blocking reads, epoll, and the end of an instance while somebody watches. */
#include "test.h"
#include <sys/epoll.h>
#include <sys/inotify.h>
static int fd;
static void *reader(void *unused) {
    char buffer[200] __attribute__((aligned(8)));
    struct inotify_event *e = (void *)buffer;
    for (int i = 0; i < 3; i++) {
        ssize_t n = read(fd, buffer, 32);
        printf("read %zd mask %x %s\n", n, e->mask, e->name);
    }
    return NULL;
}
int main(void) {
    test_scratch_directory();
    fd = MUST(inotify_init());
    MUST(inotify_add_watch(fd, ".", IN_CREATE));
    pthread_t thread = test_start(reader, NULL);
    close(open("a", O_CREAT | O_WRONLY, 0600)), close(open("b", O_CREAT | O_WRONLY, 0600)), close(open("c", O_CREAT | O_WRONLY, 0600));
    pthread_join(thread, NULL);
    int set = MUST(epoll_create1(0));
    struct epoll_event event = {EPOLLIN, {.u32 = 5}};
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    CALL(epoll_wait(set, &event, 1, 0));
    close(open("d", O_CREAT | O_WRONLY, 0600));
    CALL(epoll_wait(set, &event, 1, -1));
    printf("%x %u\n", event.events, event.data.u32);
    CALL(close(fd));
    CALL(epoll_wait(set, &event, 1, 0));
    close(open("e", O_CREAT | O_WRONLY, 0600));
    char names[] = "abcde", name[2] = "";
    for (int i = 0; i < 5; i++) name[0] = names[i], unlink(name);
    test_remove_scratch_directory();
    return 0;
}
