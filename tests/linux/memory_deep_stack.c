/* The stack grows to megabytes, in main and in threads.
 * test: variants dynamic static
 */
#include "test.h"
#include <sys/resource.h>
static int depth(int left) {
    volatile char frame[1024];
    frame[0] = (char)left;
    frame[1023] = 1;
    int below = left ? depth(left - 1) : 0;
    return below + frame[1023];
}
static void *run(void *arg) { return (void *)(long)depth(6000); }
int main(void) {
    struct rlimit limit;
    CALL(getrlimit(RLIMIT_STACK, &limit));
    YES(limit.rlim_cur >= 8 << 20);
    CALL(depth(7000));
    void *result;
    pthread_join(test_start(run, NULL), &result);
    CALL((long)result);
    return 0;
}
