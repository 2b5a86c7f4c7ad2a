/* What a child inherits: limits, umask, working directory, environment, signal actions, name, users.
 */
#include "test.h"
#include <sys/wait.h>

#include <sys/prctl.h>
#include <sys/resource.h>

static void nothing(int signal) {}

int main(void) {
    struct rlimit limit = {100, 200};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    MUST(chdir("/usr"));
    umask(013);
    setenv("MARK", "here", 1);
    signal(SIGUSR1, nothing);
    prctl(PR_SET_NAME, "a name");
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit now;
        getrlimit(RLIMIT_NOFILE, &now);
        YES(now.rlim_cur == 100 && now.rlim_max == 200);
        char text[64], name[16];
        YES(getcwd(text, sizeof text) && !strcmp(text, "/usr"));
        YES(umask(0) == 013);
        YES(!strcmp(getenv("MARK"), "here"));
        struct sigaction action;
        YES(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == nothing);
        prctl(PR_GET_NAME, name);
        printf("%s\n", name);
        umask(077);
        MUST(chdir("/"));
        exit(0);
    }
    YES(waitpid(child, &status, 0) == child && status == 0);
    YES(umask(0) == 013);
    char text[64];
    YES(getcwd(text, sizeof text) && !strcmp(text, "/usr"));
    return 0;
}
