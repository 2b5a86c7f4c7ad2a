/* readv, writev, preadv, pwritev, sendfile and copy_file_range. */
#include "test.h"
#include <sys/sendfile.h>
int main(void) {
    char a[4] = "", b[8] = "", text[64] = "";
    test_scratch_directory();
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0600));
    struct iovec out[3] = {{"one", 3}, {NULL, 0}, {"two-three", 9}};
    CALL(writev(fd, out, 3));
    CALL(writev(fd, out, 0));
    CALL(writev(fd, out, -1));
    CALL(writev(fd, out, 2000));
    CALL(lseek(fd, 1, SEEK_SET));
    struct iovec in[2] = {{a, 3}, {b, 7}};
    CALL(readv(fd, in, 2));
    printf("%.3s|%.7s\n", a, b);
    CALL(preadv(fd, in, 2, 3));
    printf("%.3s|%.7s\n", a, b);
    CALL(pwritev(fd, out, 1, 20));
    CALL(lseek(fd, 0, SEEK_CUR));
    int copy = MUST(open("copy", O_RDWR | O_CREAT, 0600));
    off_t from = 3;
    CALL(sendfile(copy, fd, &from, 4));
    CALL(from);
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(sendfile(copy, fd, NULL, 100));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(pread(copy, text, sizeof text, 0));
    for (int i = 0; i < 27; i++) putchar(text[i] ? text[i] : '.');
    puts("");
    int ends[2];
    MUST(pipe(ends));
    from = 0;
    CALL(sendfile(ends[1], fd, &from, 6));
    CALL(read(ends[0], text, sizeof text));
    printf("%.6s\n", text);
    CALL(sendfile(77, fd, &from, 6));
    CALL(sendfile(copy, 77, &from, 6));
    CALL(unlink("file") | unlink("copy"));
    test_remove_scratch_directory();
    return 0;
}
