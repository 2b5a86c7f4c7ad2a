/* A slash behind the name of a file that is to be made is refused before the name is looked at, in targets of links too. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    MUST(mkdir("d", 0755));
    MUST(close(MUST(open("f", O_CREAT | O_RDWR, 0644))));
    MUST(symlink("loop/", "loop"));
    MUST(symlink("f/", "file"));
    MUST(symlink("d/", "directory"));
    MUST(symlink("absent/", "absent-link"));
    MUST(symlink("absent-link", "second"));
    const char *names[] = {"loop", "file", "directory", "absent-link", "second", "d/", "f/", "none/", "d/."};
    int flags[] = {0, O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_NOFOLLOW, O_CREAT | O_TRUNC | O_WRONLY};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
            errno = 0;
            int fd = open(names[i], flags[j], 0600);
            printf("%s with %o: %s\n", names[i], flags[j], fd < 0 ? test_errno_name(errno) : "ok");
            if (fd >= 0) close(fd);
        }
    unlink("loop"), unlink("file"), unlink("directory"), unlink("absent-link"), unlink("second"), unlink("f"), rmdir("d");
    test_remove_scratch_directory();
    return 0;
}
