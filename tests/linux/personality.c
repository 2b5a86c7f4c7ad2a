/* personality: what is set is answered, is inherited, and PER_LINUX32 shows another machine.
 */
#include "test.h"
#include <sys/personality.h>
#include <sys/utsname.h>
#include <sys/wait.h>
int main(void) {
    struct utsname name;
    CALL(personality(0xffffffff));
    CALL(personality(ADDR_NO_RANDOMIZE));
    CALL(personality(0xffffffff));
    pid_t child = MUST(fork());
    if (child == 0) {
        CALL(personality(0xffffffff));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    CALL(personality(PER_LINUX32));
    uname(&name);
    puts(name.machine);
    CALL(personality(PER_LINUX | STICKY_TIMEOUTS));
    uname(&name);
    puts(name.machine);
    CALL(personality(0));
    char line[32];
    FILE *f = fopen("/proc/self/personality", "r");
    fputs(fgets(line, sizeof line, f), stdout);
    return 0;
}
