/* Dies of a wild write after a system call that the report has to name. */
#include <unistd.h>

int main(void) {
    getppid();
    *(volatile int *)0x1234 = 1;
    return 0;
}
