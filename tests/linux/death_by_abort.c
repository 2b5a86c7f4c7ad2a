/* abort kills with SIGABRT.
 * test: variants dynamic static musl
 */
#include "test.h"
int main(void) {
    puts("before");
    abort();
}
