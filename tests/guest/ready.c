/* Says that it runs, then waits for ever. */
#include <unistd.h>

int main(void) {
    write(1, "ready\n", 6);
    for (;;) pause();
}
