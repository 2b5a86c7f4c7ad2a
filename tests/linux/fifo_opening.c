/* Opening FIFOs: who waits for whom, ENXIO, O_RDWR, and hang-ups between two writers. */
#include "test.h"
#include <poll.h>
static void *open_writer(void *arg) { return (void *)(long)open("fifo", O_WRONLY); }
static void *open_reader(void *arg) { return (void *)(long)open("fifo", O_RDONLY); }
static void show(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n = poll(&p, 1, 0);
    printf("poll: %d %#x\n", n, (unsigned)p.revents);
}
int main(void) {
    void *fd;
    char byte;
    test_scratch_directory();
    CALL(mkfifo("fifo", 0600));
    CALL(mkfifo("fifo", 0600));
    CALL(open("fifo", O_WRONLY | O_NONBLOCK));
    int reader = CALL(open("fifo", O_RDONLY | O_NONBLOCK)) < 0 ? -1 : 3;
    show(reader);
    CALL(read(reader, &byte, 1));
    int writer = CALL(open("fifo", O_WRONLY | O_NONBLOCK));
    show(reader);
    CALL(read(reader, &byte, 1));
    CALL(write(writer, "ab", 2));
    show(reader);
    close(writer);
    show(reader);
    CALL(read(reader, &byte, 1));
    CALL(read(reader, &byte, 1));
    CALL(read(reader, &byte, 1));
    show(reader);
    close(reader);
    pthread_t thread = test_start(open_writer, NULL);
    reader = MUST(open("fifo", O_RDONLY));
    pthread_join(thread, &fd);
    CALL(write((int)(long)fd, "x", 1));
    CALL(read(reader, &byte, 1));
    close((int)(long)fd), close(reader);
    thread = test_start(open_reader, NULL);
    writer = MUST(open("fifo", O_WRONLY));
    pthread_join(thread, &fd);
    CALL(write(writer, "y", 1));
    CALL(read((int)(long)fd, &byte, 1));
    close(writer);
    CALL(read((int)(long)fd, &byte, 1));
    close((int)(long)fd);
    int both = CALL(open("fifo", O_RDWR | O_NONBLOCK));
    CALL(read(both, &byte, 1));
    CALL(write(both, "z", 1));
    CALL(read(both, &byte, 1));
    CALL(lseek(both, 0, SEEK_SET));
    CALL(unlink("fifo"));
    test_remove_scratch_directory();
    return 0;
}
