/* A megabyte of standard output arrives whole and in order.
 * test: variants dynamic musl
 */
#include "test.h"
int main(void) {
    static char block[1 << 20];
    for (int i = 0; i < 1 << 20; i++) block[i] = i % 64 == 63 ? '\n' : (char)('a' + (i / 64 + i) % 26);
    for (long done = 0, n; done < 1 << 20; done += n)
        if ((n = write(1, block + done, (1 << 20) - done)) <= 0) return 1;
    fprintf(stderr, "on the other stream\n");
    return 3;
}
