/* A line that is too long loses its end; a terminal whose reader is slow makes the typist wait. */
#include "tty.h"
static int master, own;
static void *typist(void *arg) {
    static char block[200000];
    memset(block, 'x', sizeof block);
    for (int i = 99; i < (int)sizeof block; i += 100) block[i] = '\n';
    size_t done = 0;
    while (done < sizeof block) {
        ssize_t n = write(master, block + done, sizeof block - done);
        if (n <= 0) return (void *)1;
        done += (size_t)n;
    }
    return NULL;
}
int main(void) {
    static char text[70000];
    void *bad;
    tty_open(&master, &own);
    tty_change(own, ICRNL, OPOST, ECHO, 0);
    memset(text, 'a', 5000);
    text[5000] = '\n', text[5001] = 0;
    tty_type(master, text);
    CALL(read(own, text, sizeof text));
    CALL(text[4094] == 'a' && text[4095] == '\n');
    pthread_t thread = test_start(typist, NULL);
    long lines = 0, bytes = 0, wrong = 0;
    while (bytes < 200000) {
        ssize_t n = MUST(read(own, text, sizeof text));
        lines++, bytes += n, wrong += n != 100;
    }
    pthread_join(thread, &bad);
    CALL((long)bad);
    printf("%ld %ld %ld\n", lines, bytes, wrong);
    return 0;
}
