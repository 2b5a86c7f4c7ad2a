/* umask narrows new modes; chmod and fchmod set them. */
#include "test.h"
static void mode(const char *path) {
    struct stat s;
    MUST(stat(path, &s));
    printf("%s %o\n", path, s.st_mode & 07777);
}
int main(void) {
    test_scratch_directory();
    umask(077);
    CALL(umask(027));
    int fd = open("file", O_CREAT | O_RDWR, 0666);
    mode("file");
    CALL(mkdir("directory", 0777));
    mode("directory");
    CALL(chmod("file", 04711));
    mode("file");
    CALL(fchmod(fd, 0600));
    mode("file");
    CALL(fchmodat(AT_FDCWD, "directory", 0700, 0));
    mode("directory");
    CALL(chmod("absent", 0600));
    CALL(fchmod(77, 0600));
    CALL(umask(0));
    CALL(mkfifo("fifo", 0666));
    mode("fifo");
    CALL(unlink("file") | unlink("fifo") | rmdir("directory"));
    test_remove_scratch_directory();
    return 0;
}
