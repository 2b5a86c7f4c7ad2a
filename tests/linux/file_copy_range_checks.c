/* copy_file_range: which of several faults is told, and a copy within a file that grows by it. */
#include "test.h"
#define COPY(in, from, out, to, len, flags) CALL(syscall(SYS_copy_file_range, in, from, out, to, len, flags))
int main(void) {
    test_scratch_directory();
    int a = MUST(open("a", O_RDWR | O_CREAT, 0644)), read_only = MUST(open("a", O_RDONLY));
    int append = MUST(open("a", O_RDWR | O_APPEND)), directory = MUST(open(".", O_RDONLY)), path = MUST(open("a", O_PATH));
    int ends[2];
    MUST(pipe(ends));
    MUST(write(a, "12345678", 8));
    off_t zero = 0, far = 15000, minus = -1, most = LONG_MAX - 3;
    COPY(-1, NULL, a, NULL, 4, 1);
    COPY(a, NULL, -1, NULL, 4, 1);
    COPY(a, NULL, a, NULL, 4, 1);
    COPY(a, (off_t *)1, a, NULL, 4, 1);
    COPY(directory, NULL, ends[1], NULL, 4, 0);
    COPY(ends[0], NULL, directory, NULL, 4, 0);
    COPY(ends[0], NULL, read_only, NULL, 4, 0);
    COPY(directory, NULL, read_only, NULL, 4, 0);
    COPY(a, &zero, read_only, NULL, 4, 0);
    COPY(a, &zero, append, NULL, 4, 0);
    COPY(a, &zero, path, NULL, 4, 0);
    COPY(a, &minus, a, &far, 4, 0);
    COPY(a, &most, a, &far, 4, 0);
    COPY(a, &zero, a, &most, 4, 0);
    COPY(a, &zero, a, &far, 9000, 0);
    printf("%ld %ld %ld\n", (long)zero, (long)far, (long)lseek(a, 0, SEEK_END));
    zero = 0, far = 4;
    COPY(a, &zero, a, &far, 4, 0);
    far = 3;
    COPY(a, &zero, a, &far, 4, 0);
    unlink("a");
    test_remove_scratch_directory();
    return 0;
}
