/* kcmp: which processes share memory, descriptors, files; an order among what is different.
 */
#include "test.h"
#include <linux/kcmp.h>
#include <sys/wait.h>
static long compare(int a, int b, int type, unsigned long x, unsigned long y) { return syscall(SYS_kcmp, a, b, type, x, y); }
static int stay(void *arg) { (void)arg; for (;;) pause(); }
int main(void) {
    static char stack[65536];
    int self = getpid(), file = MUST(open("/dev/null", O_RDONLY)), same = MUST(dup(file)), other = MUST(open("/dev/null", O_RDONLY));
    pid_t child = MUST(fork());
    if (child == 0) stay(NULL);
    pid_t sharing = MUST(clone(stay, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
    CALL(compare(self, self, KCMP_VM, 0, 0));
    CALL(compare(self, self, KCMP_FILES, 0, 0));
    CALL(compare(self, sharing, KCMP_FILES, 0, 0));
    CALL(compare(self, sharing, KCMP_FS, 0, 0));
    YES(compare(self, sharing, KCMP_VM, 0, 0) > 0);
    long there = compare(self, child, KCMP_FILES, 0, 0), back = compare(child, self, KCMP_FILES, 0, 0);
    YES((there == 1 && back == 2) || (there == 2 && back == 1));
    YES(compare(self, child, KCMP_SIGHAND, 0, 0) > 0);
    CALL(compare(self, self, KCMP_FILE, file, same));
    CALL(compare(self, child, KCMP_FILE, file, same));
    there = compare(self, self, KCMP_FILE, file, other), back = compare(self, self, KCMP_FILE, other, file);
    YES((there == 1 && back == 2) || (there == 2 && back == 1));
    CALL(compare(self, self, KCMP_FILE, file, 999));
    CALL(compare(self, self, 99, 0, 0));
    CALL(compare(self, 0x3ffffff0, KCMP_VM, 0, 0));
    CALL(compare(-1, self, KCMP_VM, 0, 0));
    MUST(kill(child, SIGKILL));
    MUST(kill(sharing, SIGKILL));
    while (wait(NULL) > 0) {}
    return 0;
}
