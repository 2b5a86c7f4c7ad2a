/* readv and writev on pipes: gathered, scattered, over the end of a page, empty parts, too many parts. */
#include "test.h"
int main(void) {
    int p[2];
    char a[3] = "", b[5] = "", c[20] = "";
    MUST(pipe(p));
    struct iovec out[4] = {{"ab", 2}, {NULL, 0}, {"cdefg", 5}, {"hij", 3}};
    CALL(writev(p[1], out, 4));
    struct iovec in[3] = {{a, 3}, {b, 5}, {c, 20}};
    CALL(readv(p[0], in, 3));
    printf("%.3s %.5s %.2s\n", a, b, c);
    CALL(writev(p[1], out, 0));
    CALL(writev(p[1], out, -1));
    CALL(writev(p[1], out, 1025));
    out[2].iov_len = (size_t)-1;
    CALL(writev(p[1], out, 4));
    out[2].iov_len = 5;
    out[3].iov_base = (void *)8;
    CALL(writev(p[1], out, 4));
    in[1].iov_base = (void *)8;
    CALL(write(p[1], "xyz", 3));
    in[0].iov_len = 2;
    CALL(readv(p[0], in, 3));
    printf("%.2s\n", a);
    return 0;
}
