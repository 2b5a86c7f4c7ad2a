/* umask: what it takes from modes, for each way of making a name, and that threads share it. */
#include "test.h"
static void show(const char *path) {
    struct stat s;
    if (lstat(path, &s)) printf("%s %s\n", path, test_errno_name(errno));
    else printf("%s %o\n", path, s.st_mode);
    unlink(path), rmdir(path);
}
static void *other(void *unused) {
    printf("seen by the other thread %o\n", umask(0123));
    return NULL;
}
int main(void) {
    test_scratch_directory();
    static const mode_t masks[] = {0, 022, 077, 0777, 0111, 07022};
    for (int i = 0; i < 6; i++) {
        umask(masks[i]);
        close(open("file", O_CREAT | O_WRONLY, 0777)), show("file");
        close(open("special", O_CREAT | O_WRONLY, 07777)), show("special");
        mkdir("dir", 0777), show("dir");
        mkdir("sticky", 01777), show("sticky");
        mkfifo("fifo", 0666), show("fifo");
        mknod("node", S_IFREG | 0644, 0), show("node");
        symlink("x", "link"), show("link");
        printf("was %o\n", umask(0));
    }
    umask(027);
    pthread_join(test_start(other, NULL), NULL);
    printf("now %o\n", umask(0));
    int fd = open(".", O_TMPFILE | O_RDWR, 0666);
    umask(077);
    CALL(fchmod(fd, 0666));
    struct stat s;
    fstat(fd, &s), printf("%o\n", s.st_mode);
    test_write_file("file", "x");
    CALL(chmod("file", 0777));
    show("file");
    test_remove_scratch_directory();
    return 0;
}
