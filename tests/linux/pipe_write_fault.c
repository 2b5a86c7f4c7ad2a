/* A write to a pipe whose buffer ends in nothing: what came before counts, a fault at the beginning is EFAULT. */
#include "test.h"
#include <sys/ioctl.h>
int main(void) {
    int ends[2], inside;
    MUST(pipe2(ends, O_NONBLOCK));
    char *end = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), bytes[3 * PAGE];
    MUST(munmap(end + 3 * PAGE, PAGE));
    end += 3 * PAGE;
    CALL(write(ends[1], end - 10, 20));
    CALL(write(ends[1], end, 1));
    CALL(write(ends[1], end - 2 * PAGE, 3 * PAGE));
    MUST(ioctl(ends[0], FIONREAD, &inside));
    CALL(inside);
    CALL(read(ends[0], bytes, sizeof bytes));
    CALL(write(ends[1], end - 2 * PAGE - 5, 3 * PAGE));
    CALL(write(ends[1], end - PAGE - 7, 2 * PAGE + 9));
    CALL(read(ends[0], bytes, sizeof bytes));
    CALL(write(ends[1], "abc", 3));
    CALL(write(ends[1], end - 10, 20));
    CALL(write(ends[1], end - 2 * PAGE, 2 * PAGE + 100));
    MUST(ioctl(ends[0], FIONREAD, &inside));
    CALL(inside);
    CALL(read(ends[0], bytes, sizeof bytes));
    struct iovec parts[3] = {{"12345", 5}, {end, 5}, {"67890", 5}};
    CALL(writev(ends[1], parts, 3));
    struct iovec more[2] = {{bytes, PAGE}, {end, 5}};
    CALL(writev(ends[1], more, 2));
    MUST(ioctl(ends[0], FIONREAD, &inside));
    CALL(inside);
    /* Reading into nothing leaves what could not be given away. */
    CALL(write(ends[1], "0123456789", 10));
    CALL(read(ends[0], end, 10));
    CALL(read(ends[0], end - 4, 10));
    CALL(read(ends[0], bytes, sizeof bytes));
    return 0;
}
