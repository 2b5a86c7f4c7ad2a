/* openat2: the checks of its arguments. */
#include "test.h"
struct how { uint64_t flags, mode, resolve, more; };
static int file;
static long at2(const char *path, uint64_t flags, uint64_t mode, uint64_t resolve, size_t size) {
    struct how how = {flags, mode, resolve, 0};
    long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, size);
    if (fd >= 0) close((int)fd), fd = 0;
    return fd;
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "content");
    CALL(at2("file", O_RDONLY, 0, 0, 24));
    CALL(at2("file", O_RDONLY, 0, 0, 32));
    CALL(at2("file", O_RDONLY, 0, 0, 23));
    CALL(at2("file", O_RDONLY, 0, 0, 0));
    CALL(at2("file", O_RDONLY, 0600, 0, 24));
    CALL(at2("new", O_CREAT | O_WRONLY, 0600, 0, 24));
    CALL(at2("new", O_CREAT | O_WRONLY, 010000, 0, 24));
    CALL(at2("new", O_CREAT | O_WRONLY, 04777, 0, 24));
    CALL(at2("file", 1ULL << 40, 0, 0, 24));
    CALL(at2("file", 1ULL << 30, 0, 0, 24));
    CALL(at2("file", O_PATH | O_RDWR, 0, 0, 24));
    CALL(at2("file", O_PATH | O_CLOEXEC | O_NOFOLLOW, 0, 0, 24));
    CALL(at2("file", O_PATH | O_TRUNC, 0, 0, 24));
    CALL(at2("file", O_CREAT | O_DIRECTORY, 0600, 0, 24));
    CALL(at2("file", O_RDONLY, 0, 0x40, 24));
    CALL(at2("file", O_RDONLY, 0, 0x18, 24));
    CALL(at2("file", O_RDONLY, 0, 1ULL << 33, 24));
    CALL(at2("", O_RDONLY, 0, 0, 24));
    CALL(at2("absent", O_RDONLY, 0, 0, 24));
    struct how more = {O_RDONLY, 0, 0, 1};
    CALL(syscall(SYS_openat2, AT_FDCWD, "file", &more, 32));
    CALL(syscall(SYS_openat2, AT_FDCWD, "file", &more, 5000));
    CALL(syscall(SYS_openat2, AT_FDCWD, "file", NULL, 24));
    CALL(syscall(SYS_openat2, 77, "file", &more, 24));
    CALL(syscall(SYS_openat2, AT_FDCWD, (void *)8, &more, 24));
    unlink("file"), unlink("new");
    test_remove_scratch_directory();
    return 0;
}
