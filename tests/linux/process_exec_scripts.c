/* Scripts: interpreter and argument, a missing interpreter, no rights, a text without one, fexecve.
 */
#include "test.h"
#include <sys/wait.h>


static int status_of(const char *path) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "first", (char *)NULL);
        _exit(errno == ENOENT ? 101 : errno == EACCES ? 102 : errno == ENOEXEC ? 103 : errno == ELOOP ? 104 : 105);
    }
    int status;
    MUST(waitpid(child, &status, 0));
    return WEXITSTATUS(status);
}

static void script(const char *path, const char *text, int mode) {
    test_write_file(path, text);
    MUST(chmod(path, (mode_t)mode));
}

int main(void) {
    test_scratch_directory();
    script("plain", "#!/bin/sh\necho plain: $0 $1 $#\nexit 4\n", 0755);
    script("option", "#! /bin/sh -e\nfalse\necho not reached\n", 0755);
    script("nested", "#!./plain more words\n", 0755);
    script("missing", "#!/nowhere/interpreter\n", 0755);
    script("forbidden", "#!/bin/sh\n", 0644);
    script("text", "echo no line\n", 0755);
    script("empty", "", 0755);
    printf("%d\n", status_of("./plain"));
    printf("%d\n", status_of("./option"));
    printf("%d\n", status_of("./nested"));
    printf("%d\n", status_of("./missing"));
    printf("%d\n", status_of("./forbidden"));
    printf("%d\n", status_of("./text"));
    printf("%d\n", status_of("./empty"));
    printf("%d\n", status_of("."));
    fflush(stdout);
    int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC), status;
    pid_t child = fork();
    if (child == 0) {
        fexecve(fd, (char *[]){"sh", "-c", "exit 12", NULL}, (char *[]){NULL});
        _exit(1);
    }
    YES(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 12);
    const char *all[] = {"plain", "option", "nested", "missing", "forbidden", "text", "empty"};
    for (int i = 0; i < 7; i++) unlink(all[i]);
    test_remove_scratch_directory();
    return 0;
}
