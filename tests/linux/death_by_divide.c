/* An integer division by zero kills with SIGFPE, even when that signal is blocked. */
#include "test.h"
int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGFPE);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    __asm__ volatile("xor %%ecx, %%ecx\n mov $1, %%eax\n cltd\n idiv %%ecx" ::: "eax", "ecx", "edx");
    puts("after");
}
