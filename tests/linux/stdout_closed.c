/* Standard descriptors can be closed and their numbers reused. */
#include "test.h"
int main(void) {
    int saved = dup(1);
    CALL(saved >= 3);
    fflush(stdout);
    close(1);
    int got = open("/dev/null", O_WRONLY);
    bool lowest = got == 1;
    printf("this goes nowhere\n");
    fflush(stdout);
    dup2(saved, 1);
    YES(lowest);
    CALL(close(2));
    CALL(write(2, "x", 1));
    return 0;
}
