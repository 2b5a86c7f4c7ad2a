/* O_PATH and O_TMPFILE with every other flag. */
#include "test.h"
static const int flags[] = {O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC};
static const char *const targets[] = {"absent", "file", "directory", "to-file", "to-directory", "dangling", "file/", "fifo"};
int main(void) {
    test_scratch_directory();
    MUST(mkdir("directory", 0755));
    MUST(mkfifo("fifo", 0644));
    MUST(symlink("file", "to-file"));
    MUST(symlink("directory", "to-directory"));
    MUST(symlink("nowhere", "dangling"));
    test_write_file("file", "content");
    int special[] = {O_PATH, O_TMPFILE, O_TMPFILE & ~O_DIRECTORY, O_PATH | O_TMPFILE};
    for (int kind = 0; kind < 4; kind++)
        for (size_t t = 0; t < sizeof targets / sizeof *targets; t++)
            for (int access = 0; access < 4; access++) {
                printf("kind %d %s access %d:", kind, targets[t], access);
                for (int set = 0; set < 64; set++) {
                    int all = access | special[kind];
                    for (int i = 0; i < 6; i++) if (set >> i & 1) all |= flags[i];
                    int fd = openat(AT_FDCWD, targets[t], all, 0640);
                    struct stat s;
                    if (fd < 0) printf(" %s", test_errno_name(errno));
                    else if (fstat(fd, &s)) printf(" stat-%s", test_errno_name(errno));
                    else printf(" %o.%d.%x", s.st_mode >> 12, (int)(S_ISDIR(s.st_mode) ? 0 : s.st_nlink), fcntl(fd, F_GETFL));
                    if (fd >= 0) close(fd);
                }
                printf("\n");
            }
    unlink("file"), unlink("to-file"), unlink("to-directory"), unlink("dangling"), unlink("fifo"), rmdir("directory");
    test_remove_scratch_directory();
    return 0;
}
