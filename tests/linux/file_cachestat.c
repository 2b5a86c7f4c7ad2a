/* cachestat: pages of a file in memory, and the documented errors. */
#include "test.h"
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
struct range { uint64_t offset, len; };
struct answer { uint64_t cached, dirty, written_back, evicted, recently; };
int main(void) {
    struct range whole = {0, 0}, part = {PAGE, 2 * PAGE}, beyond = {100 * PAGE, PAGE};
    struct answer answer;
    char bytes[PAGE];
    memset(bytes, 1, sizeof bytes);
    test_scratch_directory();
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0644));
    for (int i = 0; i < 5; i++) MUST(write(fd, bytes, PAGE));
    MUST(unlink("file"));
    CALL(syscall(SYS_cachestat, fd, &whole, &answer, 0));
    CALL((long)answer.cached);
    CALL(syscall(SYS_cachestat, fd, &part, &answer, 0));
    CALL((long)answer.cached);
    CALL(syscall(SYS_cachestat, fd, &beyond, &answer, 0));
    CALL((long)answer.cached);
    CALL(syscall(SYS_cachestat, fd, &whole, &answer, 1));
    CALL(syscall(SYS_cachestat, -1, &whole, &answer, 0));
    CALL(syscall(SYS_cachestat, fd, 8, &answer, 0));
    CALL(syscall(SYS_cachestat, fd, &whole, 8, 0));
    test_remove_scratch_directory();
    return 0;
}
