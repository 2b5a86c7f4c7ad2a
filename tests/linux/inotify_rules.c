/* inotify: masks, one-shot watches, masks that add, errors. */
#include "test.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <poll.h>
static int count(int fd) {
    int bytes = -1;
    ioctl(fd, FIONREAD, &bytes);
    return bytes;
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x"), MUST(mkdir("dir", 0755)), MUST(symlink("file", "link")), MUST(symlink("loop", "loop"));
    char buffer[1000];
    CALL(inotify_init1(1));
    CALL(inotify_init1(IN_NONBLOCK | IN_CLOEXEC | O_APPEND));
    int plain = MUST(inotify_init());
    printf("flags %o cloexec %d\n", fcntl(plain, F_GETFL), fcntl(plain, F_GETFD));
    int fd = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    printf("flags %o cloexec %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    CALL(inotify_add_watch(fd, "file", 0));
    CALL(inotify_add_watch(fd, "file", 0x00100000));
    CALL(inotify_add_watch(fd, "absent", IN_OPEN));
    CALL(inotify_add_watch(fd, "", IN_OPEN));
    CALL(inotify_add_watch(fd, "loop", IN_OPEN));
    CALL(inotify_add_watch(fd, (char *)8, IN_OPEN));
    CALL(inotify_add_watch(77, "file", IN_OPEN));
    CALL(inotify_add_watch(0, "file", IN_OPEN));
    CALL(inotify_add_watch(77, "file", 0));
    CALL(inotify_add_watch(fd, "file", IN_OPEN | IN_ONLYDIR));
    CALL(inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    CALL(inotify_rm_watch(fd, 1));
    CALL(inotify_rm_watch(77, 1));
    CALL(inotify_rm_watch(0, 1));
    CALL(read(fd, buffer, 1000));
    CALL(write(fd, buffer, 1));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(inotify_add_watch(fd, "file", IN_OPEN));
    CALL(inotify_add_watch(fd, "file", IN_CLOSE));
    close(open("file", O_RDONLY));
    printf("%d bytes\n", count(fd));
    CALL(read(fd, buffer, 15));
    CALL(read(fd, buffer, 16));
    CALL(inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_ADD));
    close(open("file", O_RDONLY));
    printf("%d bytes\n", count(fd));
    CALL(read(fd, buffer, 31));
    CALL(read(fd, buffer, 1000));
    CALL(inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_CREATE));
    CALL(inotify_add_watch(fd, "link", IN_OPEN | IN_MASK_CREATE));
    CALL(inotify_add_watch(fd, "link", IN_OPEN | IN_DONT_FOLLOW));
    CALL(inotify_add_watch(fd, "dir", IN_CREATE | IN_ONLYDIR | IN_ONESHOT));
    close(open("dir/a", O_CREAT | O_WRONLY, 0600)), close(open("dir/b", O_CREAT | O_WRONLY, 0600));
    printf("%d bytes\n", count(fd));
    CALL(read(fd, buffer, 1000));
    struct inotify_event *e = (void *)(buffer + 32);
    printf("wd %d mask %x\n", e->wd, e->mask);
    CALL(inotify_rm_watch(fd, 3));
    /* The same event twice in a row is one. */
    CALL(inotify_rm_watch(fd, 1));
    CALL(read(fd, buffer, 1000));
    int wd = CALL(inotify_add_watch(fd, "file", IN_MODIFY));
    int f = open("file", O_WRONLY);
    for (int i = 0; i < 10; i++) write(f, "x", 1);
    printf("%d bytes\n", count(fd));
    CALL(read(fd, buffer, 1000));
    write(f, "x", 1), read(fd, buffer, 0);
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    CALL(poll(&p, 1, 0));
    printf("revents %x\n", p.revents);
    CALL(read(fd, buffer, 1000));
    p.revents = 0;
    CALL(poll(&p, 1, 0));
    CALL(unlink("file"));
    printf("%d bytes before, ", count(fd)), close(f), printf("%d after the last close\n", count(fd));
    CALL(read(fd, buffer, 1000));
    CALL(inotify_rm_watch(fd, wd));
    /* A file that is unlinked but open reports to its directory, unless that is not wanted. */
    CALL(inotify_add_watch(fd, "dir", IN_MODIFY));
    f = open("dir/a", O_WRONLY), unlink("dir/a"), write(f, "x", 1);
    printf("%d bytes\n", count(fd)), read(fd, buffer, 1000);
    CALL(inotify_add_watch(fd, "dir", IN_MODIFY | IN_EXCL_UNLINK));
    write(f, "x", 1);
    printf("%d bytes\n", count(fd));
    unlink("dir/b"), rmdir("dir"), unlink("link"), unlink("loop");
    test_remove_scratch_directory();
    return 0;
}
