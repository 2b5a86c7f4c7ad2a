/* siginfo and the instruction pointer of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGTRAP; the handler may repair. */
#include "test.h"
#include <ucontext.h>
static volatile int last, code;
static void *volatile address;
static int skip;
static void fault(int sig, siginfo_t *info, void *context) {
    ucontext_t *user = context;
    last = sig, code = info->si_code, address = info->si_addr;
    printf("signal %d code %d, number in info %d\n", sig, info->si_code, info->si_signo);
    user->uc_mcontext.gregs[REG_RIP] += skip;
}
static char *page;
static void repair(int sig, siginfo_t *info, void *context) {
    printf("repair, code %d, at the page %d\n", info->si_code, info->si_addr == page + 5);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}
int main(void) {
    struct sigaction act = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
    int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++) sigaction(signals[i], &act, NULL);
    page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    skip = 2;
    __asm__ volatile("mov %0, %%rcx\n movb %%al, (%%rcx)" ::"r"(page + 9) : "rcx", "memory");
    YES(address == page + 9);
    __asm__ volatile("mov $0x1234, %%rcx\n movb (%%rcx), %%al" ::: "rax", "rcx", "memory");
    YES(address == (void *)0x1234);
    __asm__ volatile("ud2");
    YES(last == SIGILL);
    __asm__ volatile("xor %%ecx, %%ecx\n mov $1, %%eax\n cltd\n idiv %%ecx" ::: "eax", "ecx", "edx");
    YES(last == SIGFPE);
    skip = 0;
    __asm__ volatile("int3");
    YES(last == SIGTRAP);
    skip = 2;
    __asm__ volatile("mov $0x8000000000000000, %%rcx\n movb (%%rcx), %%al" ::: "rax", "rcx", "memory");
    YES(address == NULL);
    skip = 1;
    __asm__ volatile("hlt");
    act.sa_sigaction = repair;
    sigaction(SIGSEGV, &act, NULL);
    page[5] = 1;
    YES(page[5] == 1);
    mprotect(page, PAGE, PROT_READ);
    page[5] = 2;
    YES(page[5] == 2);
    return 0;
}
