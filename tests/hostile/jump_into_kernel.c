/* Jumps to the given per mille of the guest kernel's text, with the registers full of one word. */
#include "hostile.h"

int deed(int argc, char **argv) {
    if (argc < 3) unfit("where to?");
    find_kernel_text();
    u64 at = text_start + (text_end - text_start) * parse(argv[1]) / 1000 + parse(argv[2]);
    u64 word = argc > 3 ? (u64)parse(argv[3]) : BOOT_PAGE;
    __asm__ volatile("mov %1, %%rdi\n mov %1, %%rsi\n mov %1, %%rdx\n mov %1, %%rcx\n mov %1, %%r8\n mov %1, %%r9\n"
                     "mov %1, %%r10\n mov %1, %%r12\n jmp *%0" ::"a"(at),
                     "b"(word)
                     : "memory");
    __builtin_unreachable();
}
