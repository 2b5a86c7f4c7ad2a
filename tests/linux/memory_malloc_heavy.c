/* A long random series of malloc, realloc and free, with every block checked.
 * test: variants dynamic static musl
 */
#include "test.h"
enum { SLOTS = 500, ROUNDS = 60000 };
int main(void) {
    static struct { unsigned char *at; size_t size; unsigned char fill; } slot[SLOTS];
    unsigned seed = 12345, wrong = 0;
    unsigned long total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1103515245 + 12345;
        int i = (int)(seed >> 16) % SLOTS;
        for (size_t j = 0; j < slot[i].size; j += 97) wrong += slot[i].at[j] != slot[i].fill;
        size_t size = seed % 100 == 0 ? seed % 700000 : seed % 900;
        if (seed % 3) slot[i].at = realloc(slot[i].at, size + 1);
        else free(slot[i].at), slot[i].at = malloc(size + 1);
        slot[i].size = size + 1;
        slot[i].fill = (unsigned char)round;
        memset(slot[i].at, slot[i].fill, slot[i].size);
        total += size;
    }
    printf("%lu bytes, %u wrong\n", total, wrong);
    return 0;
}
