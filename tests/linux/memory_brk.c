/* brk grows and shrinks and gives zeroed memory back.
 * test: variants dynamic static
 */
#include "test.h"
int main(void) {
    char *start = sbrk(0);
    YES(start != (void *)-1);
    YES(sbrk(100 * PAGE) == start);
    int set = 0;
    for (long i = 0; i < 100 * PAGE; i++) set += start[i];
    CALL(set);
    memset(start, 5, 100 * PAGE);
    YES(sbrk(-50 * PAGE) == start + 100 * PAGE);
    YES(sbrk(50 * PAGE) == start + 50 * PAGE);
    YES(start[50 * PAGE - PAGE] == 5);
    YES(start[51 * PAGE] == 0);
    CALL(brk(start));
    YES(sbrk(0) == start);
    CALL(brk(start + (1L << 46)));
    YES(sbrk(0) == start);
    for (int i = 0; i < 200; i++)
        if (sbrk(3000) == (void *)-1) MUST(-1);
    YES(sbrk(0) == start + 200 * 3000);
    return 0;
}
