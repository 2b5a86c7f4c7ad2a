/* What mmap refuses, and with which errno. */
#include "fault.h"
#define M(len, protection, flags, fd, offset) MAPS(mmap(NULL, len, protection, flags, fd, offset))
int main(void) {
    int pipe_ends[2];
    int file = numbered_file(2), folder = MUST(open("/tmp", O_RDONLY | O_DIRECTORY)), path = MUST(open("/tmp", O_PATH));
    MUST(pipe(pipe_ends));
    test_scratch_directory();
    int writing = MUST(open("w", O_WRONLY | O_CREAT, 0600));
    int reading = MUST(open("w", O_RDONLY));
    M(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    M(PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0);
    M(PAGE, PROT_READ, MAP_PRIVATE, -1, 0);
    M(PAGE, PROT_READ, MAP_PRIVATE, 999, 0);
    M(PAGE, PROT_READ, 0, file, 0);
    M(PAGE, PROT_READ, MAP_PRIVATE, file, 1);
    M(PAGE, PROT_READ, MAP_SHARED, file, 5 * PAGE);
    M(PAGE, PROT_READ, MAP_PRIVATE, folder, 0);
    M(PAGE, PROT_READ, MAP_PRIVATE, path, 0);
    M(PAGE, PROT_READ, MAP_PRIVATE, pipe_ends[0], 0);
    M(PAGE, PROT_READ, MAP_PRIVATE, writing, 0);
    M(PAGE, PROT_WRITE, MAP_SHARED, writing, 0);
    M(PAGE, PROT_READ, MAP_SHARED, reading, 0);
    M(PAGE, PROT_WRITE, MAP_SHARED, reading, 0);
    M(PAGE, PROT_WRITE, MAP_PRIVATE, reading, 0);
    M((size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    M(-1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    M(-PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    M(2 * PAGE, PROT_READ, MAP_PRIVATE, file, -PAGE);
    M(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 999, 0);
    M(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, PAGE);
    M(PAGE, PROT_READ | 0x40, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(munmap(NULL, 0));
    CALL(munmap((void *)1, PAGE));
    CALL(munmap((void *)-PAGE, PAGE));
    CALL(munmap((void *)0x10000, -PAGE));
    unlink("w");
    test_remove_scratch_directory();
    return 0;
}
