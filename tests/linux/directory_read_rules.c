/* getdents64: sizes, positions, errors. */
#include "test.h"
#include <dirent.h>
struct entry { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[]; };
static int count(int fd, size_t room) {
    char buffer[4096] __attribute__((aligned(8)));
    int n, total = 0;
    while ((n = getdents64(fd, buffer, room)) > 0)
        for (int at = 0; at < n; total++) {
            struct entry *e = (void *)(buffer + at);
            if (e->len % 8) printf("odd length\n");
            at += e->len;
        }
    return n < 0 ? -errno : total;
}
int main(void) {
    test_scratch_directory();
    MUST(mkdir("d", 0755)), MUST(mkdir("d/sub", 0755)), test_write_file("d/file", "x"), MUST(symlink("x", "d/link")), MUST(mkfifo("d/fifo", 0600));
    char buffer[4096] __attribute__((aligned(8)));
    int fd = MUST(open("d", O_RDONLY | O_DIRECTORY));
    printf("%d\n", count(fd, 4096));
    CALL(getdents64(fd, buffer, 4096));
    CALL(lseek(fd, 0, SEEK_SET));
    printf("%d\n", count(fd, 32));
    lseek(fd, 0, SEEK_SET);
    CALL(getdents64(fd, buffer, 23));
    CALL(getdents64(fd, buffer, 0));
    CALL(getdents64(fd, (void *)8, 4096));
    CALL(getdents64(open("d/file", O_RDONLY), buffer, 4096));
    CALL(getdents64(77, buffer, 4096));
    CALL(getdents64(open("d", O_PATH), buffer, 4096));
    CALL(read(fd, buffer, 1));
    CALL(write(fd, buffer, 1));
    CALL(ftruncate(fd, 0));
    CALL(pread(fd, buffer, 1, 0));
    YES(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == ENODEV);
    /* Types, by name. */
    lseek(fd, 0, SEEK_SET);
    int n = getdents64(fd, buffer, sizeof buffer);
    const char *names[] = {".", "..", "sub", "file", "link", "fifo"};
    for (int w = 0; w < 6; w++)
        for (int at = 0; at < n; at += ((struct entry *)(buffer + at))->len) {
            struct entry *e = (void *)(buffer + at);
            struct stat s;
            char path[64];
            sprintf(path, "d/%s", e->name);
            if (!strcmp(e->name, names[w])) printf("%s type %d inode %s\n", e->name, e->type, lstat(path, &s) == 0 && s.st_ino == e->ino ? "same" : "other");
        }
    /* Going on from a remembered place. */
    lseek(fd, 0, SEEK_SET);
    getdents64(fd, buffer, 64);
    struct entry *first = (void *)buffer;
    off_t place = first->off;
    YES(lseek(fd, place, SEEK_SET) == place);
    printf("%d more\n", count(fd, 4096));
    CALL(lseek(fd, -1, SEEK_SET));
    unlink("d/file"), unlink("d/link"), unlink("d/fifo"), rmdir("d/sub");
    lseek(fd, 0, SEEK_SET);
    printf("%d\n", count(fd, 4096));
    rmdir("d");
    lseek(fd, 0, SEEK_SET);
    printf("%s\n", test_errno_name(-count(fd, 4096)));
    test_remove_scratch_directory();
    return 0;
}
