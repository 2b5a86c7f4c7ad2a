/* pthread_exit in main leaves the others running; the last thread's end is the program's, with status 0. */
#include "test.h"
static pthread_t main_thread;
static void *go_on(void *arg) {
    void *result;
    printf("join of main %d\n", pthread_join(main_thread, &result));
    printf("its value %ld\n", (long)result);
    return arg;
}
int main(void) {
    main_thread = pthread_self();
    test_start(go_on, NULL);
    pthread_exit((void *)17);
}
