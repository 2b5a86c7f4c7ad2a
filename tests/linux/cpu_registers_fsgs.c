/* arch_prctl gives and takes the thread pointer; threads keep theirs apart. */
#include "test.h"
static void *check(void *arg) {
    unsigned long fs = 0;
    syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &fs);
    for (int i = 0; i < 200; i++) sched_yield();
    unsigned long self;
    __asm__("mov %%fs:0, %0" : "=r"(self));
    return (void *)(long)(fs == self && fs == (unsigned long)pthread_self());
}
int main(void) {
    void *result;
    pthread_t thread[4];
    for (int i = 0; i < 4; i++) thread[i] = test_start(check, NULL);
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], &result);
        CALL((long)result);
    }
    CALL((long)check(NULL));
    CALL(syscall(SYS_arch_prctl, 0x9999, 0));
    return 0;
}
