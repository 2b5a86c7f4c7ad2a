/* Jumps to the guest kernel's own system-call instruction: NUMBER, then up to six arguments for it. A word for an
 * argument: `-1`, a number, `wild` (an address nobody maps), `own` (writable memory), `text` (the kernel's). */
#include "hostile.h"

static u8 own[65536];

static long argument(const char *word) {
    if (same(word, "wild")) return 0x7dfe00000000;
    if (same(word, "own")) return (long)own;
    if (same(word, "text")) return text_start;
    return parse(word);
}

int deed(int argc, char **argv) {
    long args[6] = {0};
    if (argc < 2) unfit("no number");
    take_kernel_calls();
    for (int i = 2; i < argc && i < 8; i++) args[i - 2] = argument(argv[i]);
    tell("calls", parse(argv[1]));
    tell("PASSED", kernel_call(parse(argv[1]), args[0], args[1], args[2], args[3], args[4], args[5]));
    return 0;
}
