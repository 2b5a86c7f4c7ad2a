/* mremap shrinks, grows, moves and keeps the content. */
#include "test.h"
int main(void) {
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 8; i++) p[i * PAGE] = (char)('a' + i);
    YES(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p);
    CALL(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
    YES(mmap(p + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 4 * PAGE);
    YES(mremap(p, 4 * PAGE, 6 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    char *q = mremap(p, 4 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
    YES(q != MAP_FAILED);
    printf("%c%c%c%c %d\n", q[0], q[PAGE], q[2 * PAGE], q[3 * PAGE], q[599 * PAGE]);
    char *target = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    q[1] = 'z';
    YES(mremap(q, 600 * PAGE, 16 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    printf("%c%c\n", target[0], target[1]);
    target[15 * PAGE] = 1;
    CALL(mprotect(q, PAGE, PROT_READ));
    YES(mremap(target + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
    YES(mremap(target, 16 * PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
    CALL(munmap(target, 16 * PAGE));
    YES(mremap(target, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    for (long size = PAGE, i = 0; i < 12; i++, size *= 2) {
        p = i ? mremap(p, size / 2, size, MREMAP_MAYMOVE) : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) MUST(-1);
        memset(p + size / 2, (int)i, size / 2);
    }
    for (long size = 2 * PAGE, i = 1; i < 12; i++, size *= 2) printf("%d ", p[size - 1]);
    puts("");
    return 0;
}
