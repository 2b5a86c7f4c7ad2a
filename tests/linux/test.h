/* Small helpers of the differential programs.
 *
 * A program shows one behaviour of Linux and prints what it saw: no addresses, process numbers, times or
 * anything else that differs from run to run, so that what it prints natively is what it must print in a
 * sandbox. The harness reads directives from comment lines of the source that begin with `test:`:
 *
 *   test: variants dynamic static musl     how to link it (default: dynamic)
 *   test: args WORD...                     arguments
 *   test: env KEY=VALUE                    a variable of the environment, once a line
 *   test: stdin TEXT                       a line of standard input, once a line
 *   test: needs root                       natively it shows what it should only as root
 */
#ifndef TEST_H
#define TEST_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L

/* Prints the source text of a condition and whether it held. */
#define YES(condition) printf("%s: %s\n", #condition, (condition) ? "yes" : "NO")
/* Prints the source text of a call and its result, or the errno's name. */
#define CALL(call) (errno = 0, test_result(#call, (long)(call)))
/* The same for results that vary, such as addresses: only whether it worked. */
#define DOES(call) (errno = 0, test_worked(#call, (long)(call)))
/* Ends the program, which can't go on without this. */
#define MUST(call) (errno = 0, test_must(#call, (long)(call)))

static inline const char *test_errno_name(int number) {
    static const struct { int number; const char *name; } names[] = {
#define NAME(e) {e, #e}
        NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG), NAME(ENOEXEC),
        NAME(EBADF), NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT), NAME(EBUSY),
        NAME(EEXIST), NAME(EXDEV), NAME(ENODEV), NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL), NAME(ENFILE),
        NAME(EMFILE), NAME(ENOTTY), NAME(ETXTBSY), NAME(EFBIG), NAME(ENOSPC), NAME(ESPIPE), NAME(EROFS),
        NAME(EMLINK), NAME(EPIPE), NAME(EDOM), NAME(ERANGE), NAME(EDEADLK), NAME(ENAMETOOLONG), NAME(ENOSYS),
        NAME(ENOTEMPTY), NAME(ELOOP), NAME(EOVERFLOW), NAME(ENOTSOCK), NAME(EDESTADDRREQ), NAME(EMSGSIZE),
        NAME(EPROTOTYPE), NAME(ENOPROTOOPT), NAME(EPROTONOSUPPORT), NAME(EOPNOTSUPP), NAME(EAFNOSUPPORT),
        NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(ENETUNREACH), NAME(ECONNABORTED), NAME(ECONNRESET),
        NAME(EISCONN), NAME(ENOTCONN), NAME(ESHUTDOWN), NAME(ETIMEDOUT), NAME(ECONNREFUSED), NAME(EALREADY),
        NAME(EINPROGRESS), NAME(EOWNERDEAD), NAME(ENOTRECOVERABLE), NAME(ECANCELED), NAME(ENODATA), NAME(ENOMSG),
        NAME(EIDRM), NAME(EPROTO), NAME(EBADMSG), NAME(ENOBUFS), NAME(ESOCKTNOSUPPORT), NAME(ENETDOWN), NAME(EHOSTUNREACH),
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number) return names[i].name;
    return "an errno without a name here";
}

static inline long test_result(const char *call, long result) {
    int error = errno;
    if (result == -1) printf("%s = -1 %s\n", call, test_errno_name(error));
    else printf("%s = %ld\n", call, result);
    errno = error;
    return result;
}

static inline long test_worked(const char *call, long result) {
    int error = errno;
    if (result == -1) printf("%s: %s\n", call, test_errno_name(error));
    else printf("%s: ok\n", call);
    errno = error;
    return result;
}

static inline long test_must(const char *call, long result) {
    if (result != -1) return result;
    printf("%s failed with %s, giving up\n", call, test_errno_name(errno));
    exit(99);
}

/* A directory of our own under /tmp, the working directory from then on. */
static inline void test_scratch_directory(void) {
    static char name[] = "/tmp/catalyzer-test-XXXXXX";
    if (!mkdtemp(name)) MUST(-1);
    MUST(chdir(name));
}

/* Removes it: what is in it must be gone already. */
static inline void test_remove_scratch_directory(void) {
    char name[PATH_MAX];
    if (getcwd(name, sizeof name) && chdir("/") == 0) DOES(rmdir(name));
}

static inline int64_t test_now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void test_sleep_ms(long ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}

/* A file with this content. */
static inline void test_write_file(const char *path, const char *text) {
    int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) MUST(-1);
    close(fd);
}

static inline void *test_thread_must(void *(*body)(void *), void *argument, pthread_t *thread) {
    int error = pthread_create(thread, NULL, body, argument);
    if (error) {
        printf("pthread_create: %s\n", test_errno_name(error));
        exit(99);
    }
    return thread;
}
static inline pthread_t test_start(void *(*body)(void *), void *argument) {
    pthread_t thread;
    test_thread_must(body, argument, &thread);
    return thread;
}

/* Nothing may hang: the watchdog kills after twenty seconds. Lines leave at once, so that none is lost. */
__attribute__((constructor)) static void test_begin(void) {
    static char buffer[1024]; /* of our own: malloc would move the break */
    setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
#ifndef TEST_NO_WATCHDOG
    alarm(20);
#endif
}

/* Until a thread sleeps in its call. */
static inline void test_await_sleep(int tid) {
    char path[64], text[512];
    for (;;) {
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
        int fd = open(path, O_RDONLY);
        ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        close(fd);
        text[len > 0 ? len : 0] = 0;
        char *state = strrchr(text, ')');
        if (state && state[2] == 'S') return;
        sched_yield();
    }
}

#endif
