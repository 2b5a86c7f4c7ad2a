/* Every system call by an instruction of its own, with arguments that are all the same hostile word: the guest
 * kernel has to answer each. Left out are those that end the program or wait for ever by what they are there for. */
#include "hostile.h"

static const int ending[] = {
    15,  /* rt_sigreturn */
    34,  /* pause */
    60,  /* exit */
    70,  /* msgrcv: waits for a message in the queue that msgget has made */
    231, /* exit_group */
    335, /* uretprobe: Linux hands it past every filter, and answers SIGILL to whoever is no probe */
};

/* These wait for ever when asked with zeros, and seccomp(SECCOMP_SET_MODE_STRICT) has the next call end the program. */
static const int waiting[] = {
    7 /* poll */, 23 /* select */, 130 /* rt_sigsuspend */, 270 /* pselect6 */, 271 /* ppoll */, 317 /* seccomp */,
};

static int among(const int *list, int count, int number) {
    for (int i = 0; i < count; i++)
        if (list[i] == number) return 1;
    return 0;
}

int deed(int argc, char **argv) {
    long word = 0;
    if (argc < 2) unfit("no word");
    if (same(argv[1], "ones")) word = -1;
    else if (same(argv[1], "kernel")) word = KERNEL_BASE;
    else if (same(argv[1], "boot")) word = BOOT_PAGE;
    else if (same(argv[1], "stack")) word = STACKS + 4096;
    else if (same(argv[1], "noncanonical")) word = 0x8000000000000000;
    else if (!same(argv[1], "zeros")) unfit("unknown word");
    /* The output may be closed, moved or shut on the way: keep one that nobody guesses. */
    long out = sys3(33 /* dup2 */, 1, 100, 0);
    if (out != 100) unfit("no second output");
    for (int number = 0; number <= 550; number++) {
        if (among(ending, 6, number) || (!word && among(waiting, 6, number))) continue;
        char line[16], *digits = format(number, line + sizeof line - 1);
        u64 len = length(digits);
        digits[len] = '\n';
        if (sys3(NR_write, out, digits, len + 1) < 0) leave(98);
        long answer = sys6(number, word, word, word, word, word, word);
        /* A child of a call that makes processes. */
        if ((number >= 56 && number <= 58) || number == 435)
            if (answer == 0) leave(0);
    }
    static const char done[] = "served all\n";
    sys3(NR_write, out, done, sizeof done - 1);
    return 0;
}
