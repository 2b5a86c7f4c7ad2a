/* exit from a second thread ends the whole program while main is blocked. */
#include "test.h"
static void *leave(void *arg) {
    puts("the thread leaves");
    exit(9);
    return arg;
}
int main(void) {
    test_start(leave, NULL);
    for (;;) pause();
}
