/* Threads that write one file: positions of a shared descriptor move with each write, none is lost or torn. */
#include "test.h"
enum { THREADS = 4, TIMES = 400 };
static int shared;
static void *with_position(void *id) {
    char block[16];
    memset(block, (int)(long)id, sizeof block);
    for (int i = 0; i < TIMES; i++) write(shared, block, sizeof block);
    return NULL;
}
static void *with_offsets(void *id) {
    char block[16];
    memset(block, (int)(long)id, sizeof block);
    for (long i = (long)id - 'a'; i < THREADS * TIMES; i += THREADS) pwrite(shared, block, sizeof block, i * 16);
    return NULL;
}
static void check(const char *name) {
    static char all[THREADS * TIMES * 16 + 16];
    long n = pread(shared, all, sizeof all, 0), torn = 0, counts[THREADS] = {0};
    for (long at = 0; at < n; at += 16) {
        for (int i = 1; i < 16; i++) torn += all[at + i] != all[at];
        counts[all[at] - 'a']++;
    }
    printf("%s: %ld bytes, torn %ld, each %d\n", name, n, torn, counts[0] == TIMES && counts[1] == TIMES && counts[2] == TIMES && counts[3] == TIMES);
}
int main(void) {
    test_scratch_directory();
    pthread_t threads[THREADS];
    shared = MUST(open("file", O_RDWR | O_CREAT, 0600));
    for (long i = 0; i < THREADS; i++) threads[i] = test_start(with_position, (void *)('a' + i));
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    check("position");
    MUST(ftruncate(shared, 0));
    for (long i = 0; i < THREADS; i++) threads[i] = test_start(with_offsets, (void *)('a' + i));
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    check("offsets");
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
