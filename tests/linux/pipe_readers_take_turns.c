/* Many readers and writers of one pipe: every byte is read exactly once, and the end reaches everybody. */
#include "test.h"
static int p[2];
static _Atomic long sum, count;
static void *reader(void *arg) {
    unsigned char byte[7];
    ssize_t n;
    while ((n = read(p[0], byte, sizeof byte)) > 0)
        for (int i = 0; i < n; i++) sum += byte[i], count++;
    return (void *)n;
}
static void *writer(void *arg) {
    unsigned char byte[13];
    for (int i = 0; i < 500; i++) {
        memset(byte, i & 0x7f, sizeof byte);
        if (write(p[1], byte, sizeof byte) != sizeof byte) return (void *)1;
    }
    return NULL;
}
int main(void) {
    pthread_t r[4], w[4];
    void *end;
    MUST(pipe(p));
    MUST(fcntl(p[1], F_SETPIPE_SZ, 4096));
    for (int i = 0; i < 4; i++) r[i] = test_start(reader, NULL), w[i] = test_start(writer, NULL);
    for (int i = 0; i < 4; i++) pthread_join(w[i], &end), CALL((long)end);
    close(p[1]);
    for (int i = 0; i < 4; i++) pthread_join(r[i], &end), CALL((long)end);
    CALL(count);
    CALL(sum);
    return 0;
}
