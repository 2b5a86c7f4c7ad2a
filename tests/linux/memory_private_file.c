/* A private mapping: bytes past the end of the file are zero, writes stay private, pages past it raise SIGBUS. */
#include "test.h"
#include <setjmp.h>
static sigjmp_buf back;
static void bus(int sig, siginfo_t *info, void *context) { siglongjmp(back, info->si_code == BUS_ADRERR ? 1 : 2); }
int main(void) {
    char text[8] = "";
    struct sigaction act = {.sa_sigaction = bus, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &act, NULL);
    test_scratch_directory();
    test_write_file("file", "some text");
    int fd = MUST(open("file", O_RDWR));
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    YES(memcmp(p, "some text\0\0\0", 12) == 0 && p[PAGE - 1] == 0);
    memcpy(p, "SOME", 4);
    CALL(pread(fd, text, 4, 0));
    printf("%.4s\n", text);
    int code = sigsetjmp(back, 1);
    if (code == 0) printf("%d\n", ((volatile char *)p)[PAGE]);
    printf("bus error %d\n", code);
    CALL(read(fd, p + 2 * PAGE, 4));
    CALL(unlink("file"));
    printf("%.9s\n", p);
    test_remove_scratch_directory();
    return 0;
}
