/* System calls that meet a page behind the end of a file: EFAULT, or what was done until there. */
#include "fault.h"
int main(void) {
    int fd = numbered_file(1), other = numbered_file(3), memory_file = MUST(memfd_create("m", 0));
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CALL(pread(other, p + PAGE, 10, 0));
    CALL(pread(other, q + PAGE, 10, 0));
    CALL(write(memory_file, p + PAGE, 10));
    CALL(write(memory_file, q + PAGE, 10));
    CALL(open(p + PAGE, O_RDONLY));
    CALL(pipe((int *)(p + PAGE)));
    CALL(pipe((int *)(q + PAGE)));
    CALL(getcwd(p + PAGE, 100));
    CALL(pread(other, p + PAGE - 10, 10, PAGE));
    printf("%d %d\n", p[PAGE - 1], q[PAGE - 1]);
    struct iovec parts[2] = {{p, 4}, {p + PAGE, 4}};
    CALL(writev(memory_file, parts, 2));
    CALL(ftruncate(fd, 2 * PAGE));
    CALL(pread(other, q + PAGE, 10, 0));
    printf("%d %d\n", p[PAGE], q[PAGE]);
    return 0;
}
