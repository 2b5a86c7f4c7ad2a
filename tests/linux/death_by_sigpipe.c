/* A write to a pipe without readers kills with SIGPIPE. */
#include "test.h"
int main(void) {
    int ends[2];
    MUST(pipe(ends));
    close(ends[0]);
    puts("before");
    if (write(ends[1], "x", 1) < 0) puts("still here");
}
