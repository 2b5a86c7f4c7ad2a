/* A FIFO in /tmp joins a reader and a writer. */
#include "test.h"
static void *writer(void *arg) {
    int fd = open("fifo", O_WRONLY);
    write(fd, "through the fifo", 16);
    close(fd);
    return arg;
}
int main(void) {
    char text[32] = "";
    test_scratch_directory();
    CALL(mkfifo("fifo", 0600));
    CALL(mkfifo("fifo", 0600));
    CALL(open("fifo", O_WRONLY | O_NONBLOCK));
    pthread_t thread = test_start(writer, NULL);
    int fd = MUST(open("fifo", O_RDONLY));
    CALL(read(fd, text, 7));
    pthread_join(thread, NULL);
    CALL(read(fd, text + 7, 20));
    puts(text);
    CALL(read(fd, text, 1));
    close(fd);
    CALL(unlink("fifo"));
    test_remove_scratch_directory();
    return 0;
}
