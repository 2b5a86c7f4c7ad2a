/* What the hostile guests share: they are freestanding, so that nothing but the deed itself happens.
 *
 * Every guest does one forbidden thing and then says so: "SUCCEEDED" on its output is a breach. */
#ifndef HOSTILE_H
#define HOSTILE_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

/* crates/abi/src/layout.rs */
#define BOOT_PAGE 0x7dffffff0000ul
#define KERNEL_BASE 0x7e0000000000ul
#define STACKS 0x7e1000000000ul
/* crates/kernel/src/local.rs: where the kernel keeps the number of its control socket. */
#define CONTROL_FD (*(const volatile int *)(BOOT_PAGE + 2048 + 28))

#define NR_read 0
#define NR_write 1
#define NR_mmap 9
#define NR_mprotect 10
#define NR_mremap 25
#define NR_exit_group 231

/* A system call by an instruction of our own. */
static inline long sys6(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long returned;
    __asm__ volatile("syscall"
                     : "=a"(returned)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return returned;
}
#define sys3(n, a, b, c) sys6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)

static void leave(int status) {
    for (;;) sys3(NR_exit_group, status, 0, 0);
}

static u64 length(const char *text) {
    u64 n = 0;
    while (text[n]) n++;
    return n;
}

static void say(const char *text) {
    sys3(NR_write, 1, text, length(text));
}

static char *format(long value, char *end) {
    u64 rest = value < 0 ? -(u64)value : (u64)value;
    *--end = 0;
    do *--end = '0' + rest % 10;
    while (rest /= 10);
    if (value < 0) *--end = '-';
    return end;
}

/* "what: value", one line, one call. */
static void tell(const char *what, long value) {
    char line[160], digits[24], *number = format(value, digits + sizeof digits);
    u64 n = 0;
    while (*what && n < 120) line[n++] = *what++;
    line[n++] = ':';
    line[n++] = ' ';
    while (*number) line[n++] = *number++;
    line[n++] = '\n';
    sys3(NR_write, 1, line, n);
}

static long parse(const char *text) {
    int negative = *text == '-';
    long value = 0;
    for (text += negative; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

static int same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

void *memcpy(void *to, const void *from, u64 n) {
    u8 *t = to;
    const u8 *f = from;
    while (n--) *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, u64 n) {
    u8 *t = to;
    while (n--) *t++ = byte;
    return to;
}

/* Something the test itself needs is not there: status 99, no breach and no success either. */
static void unfit(const char *why) {
    say("UNFIT ");
    say(why);
    say("\n");
    leave(99);
}

/* ---- The guest kernel's own system-call instructions. ---- */

static u64 text_start, text_end;

/* The program headers of the kernel lie at its base, readable as everything in this address space. */
static void find_kernel_text(void) {
    const u8 *elf = (const u8 *)KERNEL_BASE;
    const u8 *header = elf + *(u64 *)(elf + 32);
    for (int i = 0; i < *(unsigned short *)(elf + 56); i++, header += 56) {
        if (*(u32 *)header == 1 && (*(u32 *)(header + 4) & 1)) {
            text_start = *(u64 *)(header + 16);
            text_end = text_start + *(u64 *)(header + 40);
        }
    }
    if (!text_start) unfit("the kernel has no text");
}

static u64 find_code(const u8 *code, u64 len) {
    for (u64 at = text_start; at + len <= text_end; at++) {
        u64 i = 0;
        while (i < len && ((const u8 *)at)[i] == code[i]) i++;
        if (i == len) return at;
    }
    return 0;
}

/* The way of a thread's clone: `syscall; test rax, rax; jz …; pop r12; ret`. Comes back when the host did not
 * answer 0. */
static u64 clone_site;

static long kernel_call_nonzero(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long returned = number;
    __asm__ volatile("sub $256, %%rsp\n"
                     "lea 1f(%%rip), %%rcx\n"
                     "push %%rcx\n"
                     "push %%r12\n"
                     "jmp *%[site]\n"
                     "1: add $256, %%rsp\n"
                     : "+a"(returned)
                     : [site] "b"(clone_site), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return returned;
}

static u64 kernel_call_site;

/* A host system call by an instruction within the kernel's text, any answer. */
static long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long returned = number;
    __asm__ volatile("sub $256, %%rsp\n"
                     "call *%[site]\n"
                     "add $256, %%rsp\n"
                     : "+a"(returned)
                     : [site] "b"(kernel_call_site), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return returned;
}
#define kernel_call3(n, a, b, c) kernel_call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)

static u8 changed_page[8192] __attribute__((aligned(4096)));

/* Jumps to the kernel's instruction once, to map over the kernel's text a copy in which another one returns to
 * whoever calls it. From here on this guest makes host calls as the kernel does. */
static void take_kernel_calls(void) {
    static const u8 clone_code[] = {0x0f, 0x05, 0x48, 0x85, 0xc0, 0x74};
    static const u8 restorer_code[] = {0xb8, 15, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b};
    find_kernel_text();
    clone_site = find_code(clone_code, sizeof clone_code);
    u64 restorer = find_code(restorer_code, sizeof restorer_code);
    if (!clone_site || !restorer) unfit("the kernel's system-call instructions are not where they were");
    u64 site = restorer + 5, page = site & ~4095ul;
    memcpy(changed_page, (const void *)page, sizeof changed_page);
    /* `ret` for `ud2`. */
    changed_page[site - page + 2] = 0xc3;
    u64 pages = ((site + 2) & ~4095ul) == page ? 4096 : 8192;
    if (sys3(NR_mprotect, changed_page, 8192, 7)) unfit("no executable memory");
    long moved = kernel_call_nonzero(NR_mremap, (long)changed_page, pages, pages, 3, page, 0);
    if (moved != (long)page) unfit("the kernel's text could not be mapped over");
    kernel_call_site = site;
}

/* ---- Threads that do nothing. ---- */

#define THREAD_FLAGS (0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000)

static u64 thread_stack(void) {
    u64 stack = sys6(NR_mmap, 0, 8192, 3, 0x22, -1, 0);
    return stack > -4096ul ? 0 : stack + 8192 - 64;
}

/* By the guest kernel: it pauses. */
static inline long waiting_thread(void) {
    long answer, top = thread_stack();
    if (!top) return -12;
    __asm__ volatile("mov %[flags], %%rdi\n mov %[top], %%rsi\n xor %%edx, %%edx\n xor %%r10d, %%r10d\n xor %%r8d, %%r8d\n"
                     "mov $56, %%eax\n syscall\n"
                     "test %%eax, %%eax\n jnz 3f\n"
                     "4: mov $34, %%eax\n syscall\n jmp 4b\n"
                     "3:"
                     : "=a"(answer)
                     : [flags] "r"((long)THREAD_FLAGS), [top] "r"(top)
                     : "rdi", "rsi", "rdx", "r10", "r8", "rcx", "r11", "memory");
    return answer;
}

/* By the host, past the guest kernel: it comes back to `ret` with its stack, to a loop. */
static inline long host_thread(void) {
    int tid;
    u64 *top = (u64 *)thread_stack();
    if (!top) return -12;
    __asm__ volatile("lea 1f(%%rip), %%rax\n"
                     "mov %%rax, (%0)\n"
                     "jmp 2f\n"
                     "1: pause\n jmp 1b\n"
                     "2:" ::"r"(top)
                     : "rax", "memory");
    return kernel_call(56, THREAD_FLAGS | 0x100000, (long)top, (long)&tid, 0, 0, 0);
}

int deed(int argc, char **argv);

__attribute__((naked, noreturn)) void _start(void) {
    __asm__("xor %ebp, %ebp\n"
            "mov (%rsp), %rdi\n"
            "lea 8(%rsp), %rsi\n"
            "and $-16, %rsp\n"
            "call begin\n"
            "ud2");
}

__attribute__((used)) static void begin(long argc, char **argv) {
    leave(deed(argc, argv));
}

#endif
