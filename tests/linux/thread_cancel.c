/* pthread_cancel ends threads blocked in read, in a condition wait and in sleep, with their clean-up. */
#include "test.h"
static int ends[2], cleaned;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static void clean(void *arg) { cleaned += (int)(long)arg; }
static void unlock(void *arg) { pthread_mutex_unlock(&lock); }
static void *in_read(void *arg) {
    char byte;
    pthread_cleanup_push(clean, (void *)1);
    read(ends[0], &byte, 1);
    pthread_cleanup_pop(0);
    return arg;
}
static void *in_wait(void *arg) {
    pthread_mutex_lock(&lock);
    pthread_cleanup_push(unlock, NULL);
    pthread_cleanup_push(clean, (void *)10);
    for (;;) pthread_cond_wait(&never, &lock);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return arg;
}
static void *in_sleep(void *arg) {
    pthread_cleanup_push(clean, (void *)100);
    for (;;) pause();
    pthread_cleanup_pop(0);
    return arg;
}
static void *in_disabled(void *arg) {
    char byte;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    read(ends[0], &byte, 1);
    printf("read %c while disabled\n", byte);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    puts("not reached");
    return arg;
}
static void *spinning(void *arg) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (volatile long i = 0;; i++) {}
    return arg;
}
int main(void) {
    void *(*body[])(void *) = {in_read, in_wait, in_sleep, in_disabled, spinning};
    MUST(pipe(ends));
    for (int i = 0; i < 5; i++) {
        void *result = NULL;
        pthread_t thread = test_start(body[i], NULL);
        test_sleep_ms(5);
        CALL(pthread_cancel(thread));
        if (body[i] == in_disabled) write(ends[1], "d", 1);
        CALL(pthread_join(thread, &result));
        YES(result == PTHREAD_CANCELED);
        CALL(cleaned);
    }
    CALL(pthread_mutex_trylock(&lock));
    return 0;
}
