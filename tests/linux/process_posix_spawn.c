/* posix_spawn: success, failure that the parent sees, file actions, attributes; system and popen.
 */
#include "test.h"
#include <sys/wait.h>

#include <spawn.h>
extern char **environ;

static int run(const char *path, char *const argv[], posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
    pid_t child;
    int error = posix_spawn(&child, path, actions, attributes, argv, environ), status;
    if (error) return -error;
    if (waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(void) {
    printf("%d\n", run("/bin/sh", (char *[]){"sh", "-c", "exit 5", NULL}, NULL, NULL));
    YES(run("/nowhere/at/all", (char *[]){"x", NULL}, NULL, NULL) == -ENOENT);
    YES(run("/etc", (char *[]){"x", NULL}, NULL, NULL) == -EACCES);
    CALL(wait(NULL));
    int ends[2];
    MUST(pipe2(ends, O_CLOEXEC));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    printf("%d\n", run("/bin/sh", (char *[]){"sh", "-c", "echo through a pipe", NULL}, &actions, NULL));
    char text[64] = "";
    YES(read(ends[0], text, sizeof text - 1) > 0);
    printf("%s", text);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    posix_spawnattr_setsigdefault(&attributes, &set);
    signal(SIGTERM, SIG_IGN);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    printf("%d\n", run("/bin/sh", (char *[]){"sh", "-c", "kill -TERM $$; exit 1", NULL}, NULL, &attributes));
    printf("system: %d\n", WEXITSTATUS(system("exit 3")));
    FILE *pipe = popen("echo one; echo two", "r");
    while (fgets(text, sizeof text, pipe)) printf("popen: %s", text);
    printf("%d\n", pclose(pipe));
    return 0;
}
