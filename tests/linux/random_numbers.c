/* getrandom and /dev/urandom give different bytes each time.
 * test: variants dynamic static
 */
#include "test.h"
#include <sys/auxv.h>
#include <sys/random.h>
int main(void) {
    unsigned char a[64], b[64];
    CALL(getrandom(a, 64, 0));
    CALL(getrandom(b, 64, GRND_NONBLOCK));
    YES(memcmp(a, b, 64) != 0);
    CALL(getrandom(a, 64, 0xff00));
    CALL(getrandom(a, 0, 0));
    int fd = open("/dev/urandom", O_RDONLY), other = open("/dev/random", O_RDONLY);
    CALL(read(fd, a, 64));
    CALL(read(fd, b, 64));
    YES(memcmp(a, b, 64) != 0);
    CALL(read(other, b, 64));
    YES(memcmp(a, b, 64) != 0);
    static unsigned char large[1 << 20];
    CALL(getrandom(large, sizeof large, 0));
    int count[256] = {0}, low = 1 << 20;
    for (size_t i = 0; i < sizeof large; i++) count[large[i]]++;
    for (int i = 0; i < 256; i++)
        if (count[i] < low) low = count[i];
    YES(low > 3500);
    YES(getauxval(AT_RANDOM) != 0);
    return 0;
}
