/* Files of the system are changed in the sandbox only: run natively it works on a copy. */
#include "test.h"
int main(void) {
    /* Inside, the program's own folder is a folder of the host; natively a copy of the program stands for it. */
    test_scratch_directory();
    char buffer[4096];
    int in = MUST(open("/proc/self/exe", O_RDONLY)), out = MUST(open("copy", O_WRONLY | O_CREAT, 0755));
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;) write(out, buffer, n);
    close(out);
    bool inside = access("/t", F_OK) == 0;
    char path[256] = "copy";
    if (inside) path[readlink("/proc/self/exe", path, sizeof path - 1)] = 0;
    struct stat before, after;
    MUST(stat(path, &before));
    CALL(truncate(path, 4));
    CALL(stat(path, &after));
    printf("size %ld\n", (long)after.st_size);
    int fd = MUST(open(path, O_RDWR | O_APPEND));
    CALL(write(fd, "more", 4));
    CALL(pread(fd, buffer, 100, 0));
    YES(memcmp(buffer, "\177ELFmore", 8) == 0);
    CALL(fchmod(fd, 0600));
    CALL(rename(path, "moved"));
    CALL(access(path, F_OK));
    CALL(stat("moved", &after));
    printf("mode %o size %ld links %d\n", after.st_mode & 07777, (long)after.st_size, (int)after.st_nlink);
    CALL(unlink("moved"));
    CALL(pread(fd, buffer, 100, 4));
    unlink("copy");
    test_remove_scratch_directory();
    return 0;
}
