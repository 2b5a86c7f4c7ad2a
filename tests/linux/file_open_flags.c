/* open with every combination of flags on every kind of target: what it answers. */
#include "test.h"
static const int flags[] = {O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, O_APPEND};
static const char *const targets[] = {"absent", "absent/", "file", "file/", "directory", "directory/", "to-file", "to-file/",
    "to-directory", "to-directory/", "dangling", "dangling/", ".", "directory/..", "file/below", "loop", "to-loop", "."};
static void reset(void) {
    chmod("file", 0644);
    unlink("absent"), unlink("nowhere"), rmdir("absent"), rmdir("nowhere");
    test_write_file("file", "content");
}
int main(void) {
    test_scratch_directory();
    MUST(mkdir("directory", 0755));
    MUST(symlink("file", "to-file"));
    MUST(symlink("directory", "to-directory"));
    MUST(symlink("nowhere", "dangling"));
    MUST(symlink("loop", "loop"));
    MUST(symlink("loop/x", "to-loop"));
    reset();
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++)
        for (int access = 0; access < 4; access++) {
            printf("%s access %d:", targets[t], access);
            for (int set = 0; set < 64; set++) {
                int all = access;
                for (int i = 0; i < 6; i++) if (set >> i & 1) all |= flags[i];
                int fd = open(targets[t], all, 0640);
                struct stat s;
                if (fd < 0) printf(" %s", test_errno_name(errno));
                else if (fstat(fd, &s)) printf(" stat-%s", test_errno_name(errno));
                else printf(" %s%ld", S_ISDIR(s.st_mode) ? "d" : "f", S_ISDIR(s.st_mode) ? 0L : (long)s.st_size);
                if (fd >= 0) close(fd);
                reset();
            }
            printf("\n");
        }
    unlink("file"), unlink("to-file"), unlink("to-directory"), unlink("dangling"), unlink("loop"), unlink("to-loop");
    rmdir("directory");
    test_remove_scratch_directory();
    return 0;
}
