/* The status of exit is the program's, after the handlers of atexit.
 * test: variants dynamic static musl
 */
#include "test.h"
static void last(void) { puts("atexit, registered first"); }
static void first(void) { puts("atexit, registered last"); }
int main(void) {
    atexit(last);
    atexit(first);
    exit(42);
}
