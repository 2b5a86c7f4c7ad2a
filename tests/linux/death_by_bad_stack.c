/* SIGSEGV with a handler for it, and a stack that can't take its frame: the process dies of it. */
#include "test.h"
#include <sys/wait.h>
static void caught(int signal) { _exit(signal); }
static void child(unsigned long stack, int flags) {
    struct sigaction act = {.sa_handler = caught, .sa_flags = flags};
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
    asm volatile("mov %0, %%rsp\n push %%rax" : : "r"(stack));
    _exit(0);
}
int main(void) {
    char *closed = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long stacks[] = {0, 8, (unsigned long)closed + PAGE, 0x7fffffffe000, 0x800000000000, -8UL};
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        for (int flags = 0; flags <= SA_ONSTACK; flags += SA_ONSTACK) {
            fflush(stdout);
            pid_t pid = MUST(fork());
            if (pid == 0) {
                stack_t other = {.ss_sp = closed, .ss_size = 8192};
                if (flags) sigaltstack(&other, NULL);
                child(stacks[i], flags);
            }
            int status;
            MUST(waitpid(pid, &status, 0));
            printf("stack %zu, %s: %s %d\n", i, flags ? "another for handlers" : "no other",
                   WIFSIGNALED(status) ? "killed by" : "exits with", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        }
    }
    return 0;
}
