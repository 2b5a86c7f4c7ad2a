/* MAP_GROWSDOWN: a touch below extends the region; a neighbour nearer than the guard gap stops it. */
#include "fault.h"
int main(void) {
    static char stack[64 << 10];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    fault_catch();
    char *room = mmap(NULL, 4096 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CALL(munmap(room, 4096 * PAGE));
    char *top = room + 2048 * PAGE;
    PLACE(mmap(top, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0), top);
    WRITE(top, 1);
    WRITE(top - PAGE, 2);
    WRITE(top - 5 * PAGE, 3);
    READ(top - 3 * PAGE);
    READ(top - PAGE);
    PLACE(mmap(top - 100 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), top);
    READ(top - 50 * PAGE);
    READ(top - 5 * PAGE);
    CALL(munmap(top - 100 * PAGE, PAGE));
    WRITE(top - 50 * PAGE, 4);
    YES(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0) == MAP_FAILED && errno == EINVAL);
    CALL(mprotect(top - PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
    WRITE(top - 50 * PAGE, 5);
    WRITE(top, 5);
    return 0;
}
