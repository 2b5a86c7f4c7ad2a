/* chdir, fchdir and getcwd. */
#include "test.h"
int main(void) {
    char name[PATH_MAX], start[PATH_MAX];
    test_scratch_directory();
    YES(getcwd(start, sizeof start) != NULL);
    MUST(mkdir("inner", 0755));
    test_write_file("file", "x");
    CALL(chdir("inner"));
    YES(getcwd(name, sizeof name) && strcmp(name + strlen(start), "/inner") == 0);
    CALL(access("../file", F_OK));
    int here = open(".", O_RDONLY | O_DIRECTORY);
    CALL(chdir("/usr/bin"));
    puts(getcwd(name, sizeof name));
    CALL(fchdir(here));
    YES(getcwd(name, sizeof name) && strcmp(name + strlen(start), "/inner") == 0);
    YES(getcwd(name, 3) == NULL && errno == ERANGE);
    CALL(chdir("absent"));
    CALL(chdir("../file"));
    CALL(fchdir(77));
    CALL(fchdir(open("../file", O_RDONLY)));
    CALL(chdir(".."));
    CALL(rmdir("inner"));
    CALL(openat(here, "x", O_CREAT | O_WRONLY, 0600));
    CALL(chdir("/"));
    CALL(chdir(".."));
    puts(getcwd(name, sizeof name));
    MUST(chdir(start));
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
