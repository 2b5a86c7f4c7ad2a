/* MADV_POPULATE_READ and MADV_POPULATE_WRITE of what can't be read or written: EINVAL, even behind the end of a file. */
#include "fault.h"
int main(void) {
    fault_catch();
    int fd = numbered_file(1), bits[] = {PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE};
    for (int i = 0; i < 4; i++) {
        char *anonymous = mmap(NULL, PAGE, bits[i], MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char *shared = mmap(NULL, 2 * PAGE, bits[i], MAP_SHARED, fd, 0);
        char *private = mmap(NULL, 2 * PAGE, bits[i], MAP_PRIVATE, fd, 0);
        printf("protection %d\n", bits[i]);
        for (int advice = 22; advice <= 23; advice++) {
            CALL(madvise(anonymous, PAGE, advice));
            CALL(madvise(shared, PAGE, advice));
            CALL(madvise(shared + PAGE, PAGE, advice));
            CALL(madvise(private, 2 * PAGE, advice));
            CALL(madvise(private + PAGE, PAGE, advice));
        }
    }
    return 0;
}
