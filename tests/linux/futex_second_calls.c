/* futex_wake, futex_wait and futex_requeue of Linux 6.7. */
#include "test.h"
enum { SYS_wake = 454, SYS_wait = 455, SYS_requeue = 456, U32 = 2, PRIVATE = 128 };
static int word, other, back;
struct word { uint64_t value, address; uint32_t flags, reserved; };
static void *wait_for_it(void *arg) {
    if (syscall(SYS_wait, &word, 0, 1, U32 | PRIVATE, NULL, 0) != 0) printf("wait: %s\n", test_errno_name(errno));
    __atomic_fetch_add(&back, 1, __ATOMIC_SEQ_CST);
    return arg;
}
int main(void) {
    struct timespec past = {1, 0};
    struct word pair[2] = {{0, (uintptr_t)&word, U32 | PRIVATE, 0}, {0, (uintptr_t)&other, U32 | PRIVATE, 0}};
    pthread_t thread = test_start(wait_for_it, NULL);
    while (syscall(SYS_wake, &word, 1, 1, U32 | PRIVATE) == 0) sched_yield();
    pthread_join(thread, NULL);
    CALL(back);
    thread = test_start(wait_for_it, NULL);
    while (syscall(SYS_requeue, pair, 0, 0, 1) == 0) sched_yield();
    CALL(syscall(SYS_wake, &word, -1L & 0xffffffff, 9, U32 | PRIVATE));
    CALL(syscall(SYS_wake, &other, 2, 9, U32 | PRIVATE));
    CALL(syscall(SYS_wake, &other, 1, 0, U32 | PRIVATE));
    CALL(syscall(SYS_wake, &other, 1, -1, U32 | PRIVATE));
    pthread_join(thread, NULL);
    CALL(back);
    CALL(syscall(SYS_wait, &word, 1, 1, U32 | PRIVATE, NULL, 0));
    CALL(syscall(SYS_wait, &word, 0, 0, U32 | PRIVATE, NULL, 0));
    CALL(syscall(SYS_wait, &word, 0, 1, PRIVATE, NULL, 0));
    CALL(syscall(SYS_wait, &word, 0, 1, U32 | PRIVATE, &past, CLOCK_MONOTONIC));
    CALL(syscall(SYS_wait, &word, 0, 1, U32 | PRIVATE, &past, CLOCK_BOOTTIME));
    CALL(syscall(SYS_wait, &word, 1L << 32, 1, U32 | PRIVATE, &past, CLOCK_MONOTONIC));
    CALL(syscall(SYS_wake, &word, 0, 1, U32 | PRIVATE));
    CALL(syscall(SYS_wake, &word, 1, 1, U32 | PRIVATE | 256));
    CALL(syscall(SYS_wake, &word, 1L << 32, 1, U32 | PRIVATE));
    CALL(syscall(SYS_wake, (char *)&word + 2, 1, 1, U32 | PRIVATE));
    CALL(syscall(SYS_requeue, pair, 1, 0, 1));
    CALL(syscall(SYS_requeue, NULL, 0, 0, 1));
    CALL(syscall(SYS_requeue, pair, 0, -1, 1));
    CALL(syscall(SYS_requeue, pair, 0, 1, -1));
    pair[0].value = 1;
    CALL(syscall(SYS_requeue, pair, 0, 1, 1));
    pair[1].flags = 0;
    CALL(syscall(SYS_requeue, pair, 0, 1, 1));
    return 0;
}
