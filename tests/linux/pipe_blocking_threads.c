/* Blocking reads and writes of a pipe: a megabyte through it, in odd pieces, unchanged. */
#include "test.h"
enum { TOTAL = 1 << 20 };
static int ends[2];
static void *send_all(void *arg) {
    static unsigned char out[TOTAL];
    for (int i = 0; i < TOTAL; i++) out[i] = (unsigned char)(i * 7 + i / 300);
    for (size_t sent = 0, n = 1; sent < TOTAL; n = n * 5 % 150001 + 1) {
        size_t step = n < TOTAL - sent ? n : TOTAL - sent;
        ssize_t did = write(ends[1], out + sent, step);
        if (did != (ssize_t)step) printf("short write\n");
        sent += did;
    }
    close(ends[1]);
    return arg;
}
int main(void) {
    static unsigned char in[70000];
    MUST(pipe(ends));
    pthread_t thread = test_start(send_all, NULL);
    long got = 0, wrong = 0;
    for (ssize_t n; (n = read(ends[0], in, sizeof in)) > 0; got += n)
        for (long i = 0; i < n; i++) wrong += in[i] != (unsigned char)((got + i) * 7 + (got + i) / 300);
    pthread_join(thread, NULL);
    printf("%ld bytes, %ld wrong\n", got, wrong);
    return 0;
}
