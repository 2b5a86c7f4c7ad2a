/* copy_file_range: offsets, overlaps, kinds of files. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    test_write_file("a", "abcdefghij"), test_write_file("b", "0123456789");
    int a = MUST(open("a", O_RDWR)), b = MUST(open("b", O_RDWR)), ends[2];
    MUST(pipe(ends));
    off_t from = 2, to = 5;
    char out[64];
    CALL(copy_file_range(a, &from, b, &to, 3, 0));
    printf("%ld %ld %ld %ld\n", (long)from, (long)to, (long)lseek(a, 0, SEEK_CUR), (long)lseek(b, 0, SEEK_CUR));
    CALL(pread(b, out, 64, 0)), printf("%.10s\n", out);
    CALL(copy_file_range(a, NULL, b, NULL, 4, 0));
    printf("%ld %ld\n", (long)lseek(a, 0, SEEK_CUR), (long)lseek(b, 0, SEEK_CUR));
    from = 8, to = 20;
    CALL(copy_file_range(a, &from, b, &to, 100, 0));
    CALL(pread(b, out, 64, 0));
    from = 50;
    CALL(copy_file_range(a, &from, b, NULL, 10, 0));
    from = -1;
    CALL(copy_file_range(a, &from, b, NULL, 10, 0));
    from = 0, to = -1;
    CALL(copy_file_range(a, &from, b, &to, 10, 0));
    CALL(copy_file_range(a, NULL, b, NULL, 10, 1));
    from = 0, to = 4;
    CALL(copy_file_range(a, &from, a, &to, 4, 0));
    CALL(copy_file_range(a, &from, a, &to, 6, 0));
    from = 0, to = 2;
    CALL(copy_file_range(a, &from, a, &to, 4, 0));
    CALL(copy_file_range(a, &from, a, &from, 1, 0));
    CALL(copy_file_range(a, NULL, b, NULL, 0, 0));
    CALL(copy_file_range(ends[0], NULL, b, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, ends[1], NULL, 1, 0));
    CALL(copy_file_range(open(".", O_RDONLY), NULL, b, NULL, 1, 0));
    CALL(copy_file_range(open("a", O_WRONLY), NULL, b, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, open("b", O_RDONLY), NULL, 1, 0));
    CALL(copy_file_range(a, NULL, open("b", O_RDWR | O_APPEND), NULL, 1, 0));
    CALL(copy_file_range(77, NULL, b, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, 77, NULL, 1, 0));
    CALL(copy_file_range(a, (void *)8, b, NULL, 1, 0));
    CALL(copy_file_range(open("/dev/zero", O_RDONLY), NULL, b, NULL, 1, 0));
    CALL(copy_file_range(a, NULL, open("/dev/null", O_WRONLY), NULL, 1, 0));
    unlink("a"), unlink("b");
    test_remove_scratch_directory();
    return 0;
}
