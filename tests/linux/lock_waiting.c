/* Locks that are waited for: between threads with open files of their own, ended by unlocking, closing and signals. */
#include "test.h"
#include <sys/file.h>
static int step[2];
static int set(int fd, int command, int type, off_t start, off_t len) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(fd, command, &lock);
}
static void *wait_record(void *unused) {
    int fd = open("file", O_RDWR);
    write(step[1], "1", 1);
    long result = set(fd, F_OFD_SETLKW, F_WRLCK, 0, 10);
    close(fd);
    return (void *)result;
}
static void *wait_whole(void *unused) {
    int fd = open("file", O_RDWR);
    write(step[1], "1", 1);
    long result = flock(fd, LOCK_EX);
    close(fd);
    return (void *)result;
}
static void joined(pthread_t thread) {
    void *result;
    pthread_join(thread, &result);
    printf("waited %ld\n", (long)result);
}
static int counter;
static void *count(void *unused) {
    int fd = open("file", O_RDWR);
    for (int i = 0; i < 200; i++) {
        flock(fd, LOCK_EX);
        int seen = counter;
        sched_yield();
        counter = seen + 1;
        flock(fd, LOCK_UN);
    }
    close(fd);
    return NULL;
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x");
    MUST(pipe(step));
    char c;
    int a = MUST(open("file", O_RDWR));
    CALL(set(a, F_OFD_SETLK, F_WRLCK, 5, 1));
    pthread_t thread = test_start(wait_record, NULL);
    read(step[0], &c, 1);
    CALL(set(a, F_OFD_SETLK, F_UNLCK, 5, 1));
    joined(thread);
    CALL(set(a, F_OFD_SETLK, F_RDLCK, 5, 1));
    thread = test_start(wait_record, NULL);
    read(step[0], &c, 1);
    CALL(close(a));
    joined(thread);
    a = MUST(open("file", O_RDWR));
    CALL(flock(a, LOCK_SH));
    int b = MUST(open("file", O_RDONLY));
    CALL(flock(b, LOCK_SH));
    CALL(flock(b, LOCK_EX | LOCK_NB));
    CALL(flock(b, LOCK_UN));
    CALL(flock(a, LOCK_EX | LOCK_NB));
    CALL(flock(b, LOCK_SH | LOCK_NB));
    thread = test_start(wait_whole, NULL);
    read(step[0], &c, 1);
    int copy = dup(a);
    CALL(close(a));
    CALL(flock(b, LOCK_SH | LOCK_NB));
    CALL(close(copy));
    joined(thread);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) threads[i] = test_start(count, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("counted %d\n", counter);
    CALL(flock(b, 0));
    CALL(flock(b, LOCK_NB));
    CALL(flock(b, LOCK_SH | LOCK_EX));
    CALL(flock(b, 64));
    CALL(flock(77, LOCK_SH));
    CALL(flock(step[0], LOCK_EX | LOCK_NB));
    CALL(flock(open(".", O_RDONLY), LOCK_EX | LOCK_NB));
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
