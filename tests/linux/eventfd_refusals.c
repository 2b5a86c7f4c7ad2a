/* What eventfds refuse: flags, short buffers, bad addresses, seeks, offsets. */
#include "test.h"
#include <sys/eventfd.h>
int main(void) {
    uint64_t value = 1;
    char small[7];
    struct { uint64_t count, rest; } large = {2, 7};
    CALL(eventfd(0, 0x40));
    CALL(eventfd(0, -1));
    int fd = MUST(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    CALL(fcntl(fd, F_GETFD));
    YES((fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
    CALL(read(fd, small, 7));
    CALL(write(fd, small, 7));
    CALL(read(fd, (void *)8, 8));
    CALL(write(fd, (void *)8, 8));
    CALL(read(fd, &large, 16));
    CALL(large.count);
    CALL(large.rest);
    CALL(read(fd, &value, 8));
    CALL(value);
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(pread(fd, &value, 8, 0));
    CALL(ftruncate(fd, 0));
    CALL(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? errno == ENODEV : 77);
    return 0;
}
