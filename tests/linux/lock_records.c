/* Record locks of open file descriptions: conflicts, splitting, merging, what is reported. */
#include "test.h"
static void ask(int fd, const char *name, int type, off_t start, off_t len) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    int result = fcntl(fd, F_OFD_GETLK, &lock);
    printf("  %s asks %d at %ld+%ld: ", name, type, (long)start, (long)len);
    if (result) printf("%s\n", test_errno_name(errno));
    else if (lock.l_type == F_UNLCK) printf("free\n");
    else printf("%d at %ld+%ld %s\n", lock.l_type, (long)lock.l_start, (long)lock.l_len, lock.l_pid == -1 ? "-1" : lock.l_pid == getpid() ? "own" : "?");
}
static int set(int fd, int type, off_t start, off_t len) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(fd, F_OFD_SETLK, &lock);
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "0123456789");
    int a = MUST(open("file", O_RDWR)), b = MUST(open("file", O_RDWR)), r = MUST(open("file", O_RDONLY)), w = MUST(open("file", O_WRONLY));
    CALL(set(a, F_WRLCK, 0, 100));
    ask(b, "b", F_WRLCK, 0, 0), ask(b, "b", F_RDLCK, 50, 1), ask(b, "b", F_WRLCK, 100, 1), ask(a, "a", F_WRLCK, 0, 0);
    CALL(set(b, F_RDLCK, 99, 2));
    CALL(set(b, F_RDLCK, 100, 2));
    CALL(set(a, F_UNLCK, 40, 20));
    ask(b, "b", F_WRLCK, 0, 0), ask(b, "b", F_WRLCK, 45, 0), ask(b, "b", F_WRLCK, 40, 20);
    CALL(set(b, F_WRLCK, 40, 20));
    CALL(set(a, F_RDLCK, 0, 10));
    ask(b, "b", F_WRLCK, 0, 5), ask(b, "b", F_RDLCK, 0, 5), ask(b, "b", F_RDLCK, 0, 40);
    CALL(set(a, F_WRLCK, 0, 40));
    ask(b, "b", F_RDLCK, 0, 40);
    CALL(set(a, F_WRLCK, 1000, 0));
    ask(b, "b", F_RDLCK, 5000, 1), ask(b, "b", F_RDLCK, 900, 200);
    CALL(set(a, F_UNLCK, 0, 0));
    ask(r, "r", F_WRLCK, 0, 0);
    CALL(set(r, F_WRLCK, 0, 1));
    CALL(set(w, F_RDLCK, 0, 1));
    CALL(set(r, F_RDLCK, 0, 1));
    CALL(set(w, F_WRLCK, 0, 1));
    CALL(close(r));
    CALL(set(w, F_WRLCK, 0, 1));
    CALL(set(a, 7, 0, 1));
    CALL(set(a, F_WRLCK, -1, 1));
    CALL(set(a, F_WRLCK, 10, -5));
    ask(b, "b", F_WRLCK, 0, 0), ask(b, "b", F_RDLCK, 5, 5);
    CALL(set(a, F_WRLCK, 3, -5));
    CALL(set(a, F_WRLCK, LONG_MAX, 1));
    CALL(set(a, F_WRLCK, LONG_MAX, 2));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = 2};
    CALL(fcntl(a, F_OFD_SETLK, &lock));
    ask(b, "b", F_WRLCK, 8, 1);
    lseek(a, 4, SEEK_SET), lock.l_whence = SEEK_CUR, lock.l_start = 200, lock.l_len = 1;
    CALL(fcntl(a, F_OFD_SETLK, &lock));
    ask(b, "b", F_WRLCK, 200, 10);
    lock.l_whence = 5;
    CALL(fcntl(a, F_OFD_SETLK, &lock));
    lock.l_whence = SEEK_SET, lock.l_pid = 1;
    CALL(fcntl(a, F_OFD_SETLK, &lock));
    lock.l_pid = 0, lock.l_type = F_UNLCK;
    CALL(fcntl(a, F_GETLK, &lock));
    CALL(fcntl(a, F_SETLK, (void *)8));
    CALL(fcntl(77, F_SETLK, &lock));
    int ends[2];
    MUST(pipe(ends));
    lock.l_type = F_RDLCK;
    CALL(fcntl(ends[0], F_OFD_SETLK, &lock));
    /* Locks of a process do not meet its own, but those of open files. */
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 300, .l_len = 10};
    CALL(fcntl(a, F_SETLK, &lock));
    CALL(fcntl(b, F_SETLK, &lock));
    CALL(set(a, F_WRLCK, 305, 1));
    lock.l_start = 200;
    CALL(fcntl(a, F_SETLK, &lock));
    ask(a, "a", F_WRLCK, 300, 1);
    CALL(close(b));
    ask(a, "a", F_WRLCK, 300, 1);
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
