/* futex_waitv: which word was woken, mismatches, time-outs, and the documented errors. */
#include "test.h"
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
struct word { uint64_t value, address; uint32_t flags, reserved; };
enum { U32 = 2, PRIVATE = 128 };
static int words[3];
static struct word list[130];
static long waitv(void *at, unsigned count, unsigned flags, const void *timeout, int clock) {
    return syscall(SYS_futex_waitv, at, count, flags, timeout, clock);
}
static void reset(void) {
    for (int i = 0; i < 130; i++) list[i] = (struct word){0, (uintptr_t)&words[i % 3], U32 | PRIVATE, 0};
}
static void *wait_for_one(void *arg) {
    long index = waitv(list, 3, 0, NULL, 0);
    printf("woken at %ld\n", index);
    return arg;
}
int main(void) {
    struct timespec past = {1, 0}, bad = {0, 2000000000};
    reset();
    for (int i = 2; i >= 0; i--) {
        pthread_t thread = test_start(wait_for_one, NULL);
        while (syscall(SYS_futex, &words[i], 129, 1, NULL, NULL, 0) == 0) sched_yield();
        pthread_join(thread, NULL);
    }
    CALL(waitv(list, 3, 0, &past, CLOCK_MONOTONIC));
    CALL(waitv(list, 3, 0, &past, CLOCK_REALTIME));
    CALL(waitv(list, 128, 0, &past, CLOCK_REALTIME));
    CALL(waitv(list, 129, 0, &past, CLOCK_REALTIME));
    CALL(waitv(list, 0, 0, &past, CLOCK_REALTIME));
    CALL(waitv(NULL, 1, 0, &past, CLOCK_REALTIME));
    CALL(waitv((void *)8, 1, 0, &past, CLOCK_REALTIME));
    CALL(waitv(list, 3, 1, &past, CLOCK_REALTIME));
    CALL(waitv(list, 3, 0, &past, CLOCK_BOOTTIME));
    CALL(waitv(list, 3, 0, &bad, CLOCK_REALTIME));
    CALL(waitv(list, 3, 0, (void *)8, CLOCK_REALTIME));
    list[1].value = 1;
    CALL(waitv(list, 3, 0, NULL, 0));
    list[1].value = 1ULL << 32;
    CALL(waitv(list, 3, 0, NULL, 0));
    reset();
    list[2].reserved = 1;
    CALL(waitv(list, 3, 0, NULL, 0));
    reset();
    list[2].flags = PRIVATE;
    CALL(waitv(list, 3, 0, NULL, 0));
    list[2].flags = U32 | 256;
    CALL(waitv(list, 3, 0, NULL, 0));
    list[2].flags = U32 | PRIVATE, list[2].address = 8;
    CALL(waitv(list, 3, 0, NULL, 0));
    list[2].address = (uintptr_t)&words[2] + 1;
    CALL(waitv(list, 3, 0, NULL, 0));
    return 0;
}
