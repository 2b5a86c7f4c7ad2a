/* MAP_SHARED_VALIDATE looks at its flags, MAP_SHARED and MAP_PRIVATE don't. */
#include "fault.h"
#define M(flags, fd) MAPS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0))
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif
int main(void) {
    int fd = numbered_file(1);
    M(MAP_SHARED_VALIDATE, fd);
    M(MAP_SHARED_VALIDATE | MAP_POPULATE, fd);
    M(MAP_SHARED_VALIDATE | MAP_NORESERVE | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_STACK, fd);
    M(MAP_SHARED_VALIDATE | MAP_SYNC, fd);
    M(MAP_SHARED_VALIDATE | 1 << 29, fd);
    M(MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1);
    M(MAP_SHARED | 1 << 29, fd);
    M(MAP_PRIVATE | 1 << 29, fd);
    M(MAP_PRIVATE | MAP_ANONYMOUS | MAP_SYNC | 1 << 29, -1);
    M(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_LOCKED, -1);
    return 0;
}
