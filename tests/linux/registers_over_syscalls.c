/* A system call changes rax, rcx and r11 only, leaves the red zone and the flags alone. */
#include "test.h"
static int check(long number) {
    unsigned long bad = 0;
    __asm__ volatile(
        "push %%rbx\n push %%rbp\n sub $256, %%rsp\n"
        "movq $0x1111, -8(%%rsp)\n movq $0x2222, -128(%%rsp)\n"
        "mov $0x101, %%rbx\n mov $0x202, %%rbp\n mov $0x303, %%r8\n mov $0x404, %%r9\n mov $0x505, %%r10\n"
        "mov $0x606, %%r12\n mov $0x707, %%r13\n mov $0x808, %%r14\n mov $0x909, %%r15\n"
        "mov $-1, %%rdi\n mov $0xb0b, %%rsi\n mov $0xc0c, %%rdx\n mov %[number], %%rax\n"
        "std\n stc\n syscall\n"
        "pushfq\n pop %%r11\n cld\n"
        "xor %%rcx, %%rcx\n"
        "test $0x400, %%r11\n jnz 1f\n or $1, %%rcx\n 1:\n"
        "test $1, %%r11\n jnz 1f\n or $2, %%rcx\n 1:\n"
        "cmp $0x101, %%rbx\n je 1f\n or $4, %%rcx\n 1: cmp $0x202, %%rbp\n je 1f\n or $8, %%rcx\n"
        "1: cmp $0x303, %%r8\n je 1f\n or $16, %%rcx\n 1: cmp $0x404, %%r9\n je 1f\n or $32, %%rcx\n"
        "1: cmp $0x505, %%r10\n je 1f\n or $64, %%rcx\n 1: cmp $0x606, %%r12\n je 1f\n or $128, %%rcx\n"
        "1: cmp $0x707, %%r13\n je 1f\n or $256, %%rcx\n 1: cmp $0x808, %%r14\n je 1f\n or $512, %%rcx\n"
        "1: cmp $0x909, %%r15\n je 1f\n or $1024, %%rcx\n 1: cmp $-1, %%rdi\n je 1f\n or $2048, %%rcx\n"
        "1: cmp $0xb0b, %%rsi\n je 1f\n or $4096, %%rcx\n 1: cmp $0xc0c, %%rdx\n je 1f\n or $8192, %%rcx\n 1:\n"
        "cmpq $0x2222, -128(%%rsp)\n je 1f\n or $16384, %%rcx\n 1:\n"
        "add $256, %%rsp\n pop %%rbp\n pop %%rbx\n mov %%rcx, %[bad]"
        : [bad] "=a"(bad)
        : [number] "0"(number)
        : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    return (int)bad;
}
int main(void) {
    for (int i = 0; i < 3; i++) {
        CALL(check(SYS_getpid));
        CALL(check(SYS_close));
        CALL(check(SYS_sched_yield));
        CALL(check(5000));
    }
    return 0;
}
