/* A name that is replaced by renaming is never missing, and never half. */
#include "test.h"
static volatile int done;
static void *replace(void *unused) {
    for (int i = 0; i < 500; i++) {
        test_write_file("new", i % 2 ? "first content" : "other content");
        rename("new", "name");
    }
    done = 1;
    return NULL;
}
static void *exchange(void *unused) {
    for (int i = 0; i < 500; i++) syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "y", 2);
    done = 1;
    return NULL;
}
int main(void) {
    test_scratch_directory();
    test_write_file("name", "first content");
    pthread_t thread = test_start(replace, NULL);
    int missing = 0, wrong = 0;
    while (!done) {
        char out[32] = "";
        int fd = open("name", O_RDONLY);
        if (fd < 0) { missing++; continue; }
        ssize_t n = read(fd, out, sizeof out);
        close(fd);
        if (n != 13 || (strncmp(out, "first content", 13) && strncmp(out, "other content", 13))) wrong++;
    }
    pthread_join(thread, NULL);
    printf("missing %d wrong %d\n", missing, wrong);
    test_write_file("x", "x"), MUST(mkdir("y", 0700));
    done = 0;
    thread = test_start(exchange, NULL);
    missing = 0;
    while (!done) missing += access("x", F_OK) || access("y", F_OK);
    pthread_join(thread, NULL);
    printf("missing %d\n", missing);
    unlink("x"), unlink("y"), rmdir("x"), rmdir("y"), unlink("name");
    test_remove_scratch_directory();
    return 0;
}
