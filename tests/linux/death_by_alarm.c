/* An alarm without a handler kills with SIGALRM in the middle of a sleep. */
#include "test.h"
int main(void) {
    puts("before");
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    for (;;) pause();
}
