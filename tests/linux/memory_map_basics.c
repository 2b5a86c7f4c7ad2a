/* mmap, munmap and mprotect: zeroed, fixed, split, refused.
 * test: variants dynamic static musl
 */
#include "test.h"
int main(void) {
    char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    YES(p != MAP_FAILED);
    int set = 0;
    for (long i = 0; i < 16 * PAGE; i++) set += p[i];
    CALL(set);
    memset(p, 7, 16 * PAGE);
    CALL(munmap(p + 4 * PAGE, 4 * PAGE));
    YES(p[3 * PAGE] == 7 && p[8 * PAGE] == 7);
    CALL(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
    CALL(mprotect(p, 16 * PAGE, PROT_READ));
    CALL(mprotect(p + 1, PAGE, PROT_READ));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    p[0] = 8;
    char *q = mmap(p + 4 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    YES(q == p + 4 * PAGE && q[0] == 0);
    q = mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    YES(q == p && q[0] == 0);
    q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000 /* MAP_FIXED_NOREPLACE */, -1, 0);
    YES(q == MAP_FAILED && errno == EEXIST);
    q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    YES(q != MAP_FAILED && q != p);
    YES(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    YES(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    YES(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    YES(mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
    YES(mmap(NULL, 1L << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CALL(munmap(p, 0));
    CALL(munmap(p + 1, PAGE));
    CALL(munmap(p, 16 * PAGE));
    CALL(munmap(p, 16 * PAGE));
    CALL(mprotect(p, PAGE, PROT_READ));
    return 0;
}
