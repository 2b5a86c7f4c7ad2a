/* The other doors to the host: `int80`, `sysenter`, `x32 NUMBER`, `vsyscall`. */
#include "hostile.h"

int deed(int argc, char **argv) {
    long answer;
    if (argc < 2) unfit("which one?");
    if (same(argv[1], "int80")) {
        __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20 /* getpid of i386 */) : "memory");
    } else if (same(argv[1], "int80-exit")) {
        __asm__ volatile("int $0x80" : "=a"(answer) : "a"(1), "b"(0) : "memory");
    } else if (same(argv[1], "sysenter")) {
        __asm__ volatile("sysenter" : "=a"(answer) : "a"(20) : "rcx", "rdx", "memory");
    } else if (same(argv[1], "x32")) {
        answer = sys3(parse(argv[2]) | 0x40000000, 0, 0, 0);
    } else if (same(argv[1], "kernel-x32")) {
        take_kernel_calls();
        answer = kernel_call3(parse(argv[2]) | 0x40000000, 0, 0, 0);
    } else if (same(argv[1], "kernel-negative")) {
        take_kernel_calls();
        answer = kernel_call3(-1, 0, 0, 0);
    } else {
        unfit("unknown door");
    }
    tell("SUCCEEDED", answer);
    return 0;
}
