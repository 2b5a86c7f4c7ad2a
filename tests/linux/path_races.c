/* Threads that make, rename and remove the same names: exactly one wins each time. */
#include "test.h"
enum { THREADS = 4, ROUNDS = 150 };
static pthread_barrier_t barrier;
static int made[ROUNDS], directories[ROUNDS], links[ROUNDS], renames[ROUNDS], removed[ROUNDS], other_errors;
static void note(int *count, int result, int expected) {
    if (result >= 0) __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    else if (errno != expected) __atomic_add_fetch(&other_errors, 1, __ATOMIC_SEQ_CST);
}
static void *work(void *unused) {
    for (int i = 0; i < ROUNDS; i++) {
        char name[32], other[32];
        sprintf(name, "f%d", i), sprintf(other, "o%d", i);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        note(&made[i], fd, EEXIST);
        if (fd >= 0) close(fd);
        note(&directories[i], mkdir(other, 0700), EEXIST);
        pthread_barrier_wait(&barrier);
        char link_name[32], moved[32];
        sprintf(link_name, "l%d", i), sprintf(moved, "m%d", i);
        note(&links[i], link(name, link_name), EEXIST);
        note(&removed[i], rmdir(other), ENOENT);
        pthread_barrier_wait(&barrier);
        note(&renames[i], rename(link_name, moved), ENOENT);
        pthread_barrier_wait(&barrier);
        unlink(name), unlink(moved);
    }
    return NULL;
}
int main(void) {
    test_scratch_directory();
    pthread_barrier_init(&barrier, NULL, THREADS);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) threads[i] = test_start(work, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    int wrong = 0;
    for (int i = 0; i < ROUNDS; i++) wrong += made[i] != 1 || directories[i] != 1 || links[i] != 1 || renames[i] != 1 || removed[i] != 1;
    printf("rounds without exactly one winner: %d, other errors %d\n", wrong, other_errors);
    test_remove_scratch_directory();
    return 0;
}
