/* What an access to memory does: catches SIGSEGV and SIGBUS. */
#ifndef FAULT_H
#define FAULT_H
#include "test.h"
#include <setjmp.h>
static __thread sigjmp_buf fault_back;
static __thread volatile int fault_code, fault_signal;
static __thread void *volatile fault_address;
static void fault_caught(int signal, siginfo_t *info, void *context) {
    fault_signal = signal;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(fault_back, 1);
}
static void fault_catch(void) {
    struct sigaction act = {.sa_sigaction = fault_caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
}
static const char *fault_name(const volatile void *at) {
    if (fault_address != at) return "a fault elsewhere";
    if (fault_signal == SIGBUS) return fault_code == BUS_ADRERR ? "SIGBUS BUS_ADRERR" : "SIGBUS with another code";
    return fault_code == SEGV_MAPERR ? "SIGSEGV SEGV_MAPERR" : fault_code == SEGV_ACCERR ? "SIGSEGV SEGV_ACCERR"
                                                                                         : "SIGSEGV with another code";
}
/* The byte, or the fault in words. */
static void show_read(const char *what, const volatile char *at) {
    if (sigsetjmp(fault_back, 1) == 0) printf("read %s: %d\n", what, *at);
    else printf("read %s: %s\n", what, fault_name(at));
}
static void show_write(const char *what, volatile char *at, char value) {
    if (sigsetjmp(fault_back, 1) == 0) {
        *at = value;
        printf("write %s: ok\n", what);
    } else printf("write %s: %s\n", what, fault_name(at));
}
#define READ(at) show_read(#at, at)
#define WRITE(at, value) show_write(#at, at, value)
/* Anonymous private memory of so many pages, page n filled with n + 1. */
static char *numbered_pages(int pages) {
    char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) MUST(-1);
    for (int i = 0; i < pages; i++) memset(memory + i * PAGE, i + 1, PAGE);
    return memory;
}
/* An open file of so many pages, page n filled with n + 1; its name is gone already. */
static int numbered_file(int pages) {
    char name[] = "/tmp/catalyzer-file-XXXXXX", page[PAGE];
    int fd = (int)MUST(mkstemp(name));
    for (int i = 0; i < pages; i++) {
        memset(page, i + 1, PAGE);
        if (write(fd, page, PAGE) != PAGE) MUST(-1);
    }
    unlink(name);
    return fd;
}
/* What a call that answers an address did: the distance to a base in pages, or the errno's name. */
static void *show_place(const char *call, void *got, char *base) {
    int error = errno;
    if (got == MAP_FAILED) printf("%s: %s\n", call, test_errno_name(error));
    else printf("%s: page %ld\n", call, (long)((char *)got - base) / PAGE);
    return got;
}
#define PLACE(call, base) (errno = 0, show_place(#call, call, base))
/* The same where the place varies. */
#define MAPS(call) (errno = 0, test_worked(#call, (call) == MAP_FAILED ? -1 : 0))
#endif
