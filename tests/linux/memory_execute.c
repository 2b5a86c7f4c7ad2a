/* Code that was written at run time runs, system calls from it included. */
#include "test.h"
int main(void) {
    static const unsigned char add[] = {0x8d, 0x04, 0x37, 0xc3};                               /* lea (rdi,rsi),eax; ret */
    static const unsigned char close_77[] = {0xbf, 77, 0, 0, 0, 0xb8, 3, 0, 0, 0, 0x0f, 0x05, 0xc3}; /* close(77) */
    unsigned char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(p, add, sizeof add);
    CALL(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
    CALL(((int (*)(int, int))p)(40, 2));
    CALL(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    memcpy(p, close_77, sizeof close_77);
    for (int i = 0; i < 3; i++) CALL(((long (*)(void))p)());
    memcpy(p, add, sizeof add);
    CALL(((int (*)(int, int))p)(1, 2));
    CALL(munmap(p, PAGE));
    return 0;
}
