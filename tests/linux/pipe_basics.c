/* Pipes: end of file, order, EPIPE, FIONREAD, descriptors of the wrong kind.
 * test: variants dynamic musl
 */
#include "test.h"
#include <sys/ioctl.h>
int main(void) {
    int ends[2], waiting;
    char text[16] = "";
    CALL(pipe(ends));
    CALL(write(ends[1], "abc", 3));
    CALL(write(ends[1], "def", 3));
    CALL(ioctl(ends[0], FIONREAD, &waiting));
    CALL(waiting);
    CALL(read(ends[0], text, 4));
    puts(text);
    CALL(read(ends[0], text, 16));
    CALL(write(ends[0], "x", 1));
    CALL(read(ends[1], text, 1));
    CALL(lseek(ends[0], 0, SEEK_CUR));
    CALL(pread(ends[0], text, 1, 0));
    CALL(write(ends[1], "last", 4));
    CALL(close(ends[1]));
    CALL(read(ends[0], text, 2));
    CALL(read(ends[0], text, 16));
    CALL(read(ends[0], text, 16));
    CALL(close(ends[0]));
    signal(SIGPIPE, SIG_IGN);
    CALL(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    CALL(fcntl(ends[0], F_GETFD));
    CALL(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    CALL(read(ends[0], text, 1));
    CALL(close(ends[0]));
    CALL(write(ends[1], "x", 1));
    CALL(pipe2(ends, 12345));
    return 0;
}
