/* A tree deeper than a path is long: reached step by step. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    char here[PATH_MAX], name[51], buffer[8000];
    memset(name, 'd', 50), name[50] = 0;
    getcwd(here, sizeof here);
    int depth;
    for (depth = 0; depth < 100; depth++) MUST(mkdir(name, 0755)), MUST(chdir(name));
    long len = syscall(SYS_getcwd, buffer, sizeof buffer);
    if (len < 0) printf("getcwd: %s\n", test_errno_name(errno));
    CALL(syscall(SYS_getcwd, buffer, 10));
    CALL(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0);
    CALL(access("../file", F_OK));
    struct stat s;
    CALL(stat("../..", &s));
    CALL(readlink("/proc/self/cwd", buffer, sizeof buffer) > 0);
    CALL(unlink("file"));
    for (; depth > 0; depth--) MUST(chdir("..")), MUST(rmdir(name));
    CALL(strcmp(getcwd(buffer, sizeof buffer), here));
    test_remove_scratch_directory();
    return 0;
}
