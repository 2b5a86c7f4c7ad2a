/* Numbers that Linux does not know answer ENOSYS. */
#include "test.h"
int main(void) {
    CALL(syscall(5000));
    CALL(syscall(-1));
    CALL(syscall(1L << 32 | SYS_getpid) == getpid());
    CALL(syscall(400));
    YES(syscall(SYS_getpid) == getpid());
    YES(syscall(SYS_getppid) == getppid());
    return 0;
}
