/* O_ASYNC on pipes: SIGIO for the owner, F_SETSIG with what is told, owners of each kind, FIOASYNC. */
#include "test.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
static volatile sig_atomic_t count, code, fd_told, band, who;
static void handle(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    count++, code = info->si_code, fd_told = info->si_fd, band = (int)info->si_band, who = gettid();
}
static void *in_thread(void *arg) {
    int *ends = arg;
    struct f_owner_ex owner = {F_OWNER_TID, gettid()}, back;
    CALL(fcntl(ends[0], F_SETOWN_EX, &owner));
    CALL(fcntl(ends[0], F_GETOWN_EX, &back));
    YES(back.type == F_OWNER_TID && back.pid == gettid());
    count = 0;
    CALL(write(ends[1], "c", 1));
    CALL(count);
    YES(who == gettid());
    return NULL;
}
int main(void) {
    int ends[2], on = 1, off = 0, regular;
    char bytes[8];
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
    MUST(sigaction(SIGIO, &action, NULL));
    MUST(sigaction(SIGRTMIN, &action, NULL));
    MUST(pipe(ends));
    CALL(fcntl(ends[0], F_GETOWN));
    CALL(fcntl(ends[0], F_GETSIG));
    CALL(fcntl(ends[0], F_SETOWN, getpid()));
    YES(fcntl(ends[0], F_GETOWN) == getpid());
    CALL(write(ends[1], "a", 1));
    CALL(count);
    CALL(fcntl(ends[0], F_SETFL, O_ASYNC));
    YES(fcntl(ends[0], F_GETFL) & O_ASYNC);
    CALL(count);
    CALL(write(ends[1], "b", 1));
    CALL(count);
    CALL(code == SI_KERNEL);
    CALL(write(ends[1], "b", 1));
    CALL(count);
    CALL(read(ends[0], bytes, 8));
    CALL(count);
    CALL(fcntl(ends[0], F_SETSIG, SIGRTMIN));
    YES(fcntl(ends[0], F_GETSIG) == SIGRTMIN);
    CALL(write(ends[1], "b", 1));
    CALL(count);
    CALL(code);
    YES(fd_told == ends[0]);
    printf("band %x\n", (unsigned)band);
    CALL(fcntl(ends[0], F_SETSIG, 65));
    CALL(fcntl(ends[0], F_SETSIG, -1));
    CALL(ioctl(ends[0], FIOASYNC, &off));
    YES(!(fcntl(ends[0], F_GETFL) & O_ASYNC));
    count = 0;
    CALL(write(ends[1], "b", 1));
    CALL(count);
    CALL(ioctl(ends[0], FIOASYNC, &on));
    CALL(write(ends[1], "b", 1));
    CALL(count);
    pthread_join(test_start(in_thread, ends), NULL);
    setpgid(0, 0);
    CALL(fcntl(ends[0], F_SETOWN, -getpgrp()));
    YES(fcntl(ends[0], F_GETOWN) == -getpgrp());
    count = 0;
    CALL(write(ends[1], "b", 1));
    CALL(count);
    CALL(fcntl(ends[0], F_SETOWN, 0));
    CALL(fcntl(ends[0], F_GETOWN));
    CALL(write(ends[1], "b", 1));
    CALL(count);
    CALL(fcntl(ends[0], F_SETOWN, 0x3ffffff0));
    CALL(fcntl(ends[0], F_SETOWN, -0x3ffffff0));
    struct f_owner_ex owner = {77, getpid()};
    CALL(fcntl(ends[0], F_SETOWN_EX, &owner));
    owner = (struct f_owner_ex){F_OWNER_PID, 0x3ffffff0};
    CALL(fcntl(ends[0], F_SETOWN_EX, &owner));
    CALL(fcntl(ends[0], F_SETOWN_EX, 8));
    CALL(fcntl(ends[0], F_GETOWN_EX, 8));
    /* The writing end learns that there is room. */
    MUST(fcntl(ends[0], F_SETFL, 0));
    CALL(fcntl(ends[1], F_SETOWN, getpid()));
    CALL(fcntl(ends[1], F_SETSIG, SIGRTMIN));
    CALL(fcntl(ends[1], F_SETFL, O_ASYNC | O_NONBLOCK));
    static char page[4096];
    while (write(ends[1], page, sizeof page) > 0) {}
    count = 0;
    CALL(read(ends[0], page, sizeof page) > 0);
    YES(count > 0);
    CALL(code);
    printf("band %x\n", (unsigned)band);
    /* A regular file knows nothing of it. */
    regular = MUST(open("/proc/self/exe", O_RDONLY));
    CALL(fcntl(regular, F_SETFL, O_ASYNC));
    YES(!(fcntl(regular, F_GETFL) & O_ASYNC));
    CALL(ioctl(regular, FIOASYNC, &on));
    CALL(ioctl(regular, FIOASYNC, &off));
    return 0;
}
