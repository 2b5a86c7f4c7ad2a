/* A wild write kills with SIGSEGV.
 * test: variants dynamic static musl
 */
#include "test.h"
int main(void) {
    puts("before");
    *(volatile int *)8 = 1;
    puts("after");
}
