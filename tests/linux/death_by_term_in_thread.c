/* A fatal signal sent to one thread kills all. */
#include "test.h"
static void *wait_for_ever(void *arg) {
    for (;;) pause();
    return arg;
}
int main(void) {
    pthread_t thread = test_start(wait_for_ever, NULL);
    puts("before");
    pthread_kill(thread, SIGTERM);
    for (;;) pause();
}
