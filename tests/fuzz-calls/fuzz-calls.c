/* Random system calls, for a sandbox to survive.
 *
 *   fuzz-calls wild             a wild pointer for each pointer argument of each call; prints what came of it
 *   fuzz-calls SEED COUNT [N]   so many random calls with random arguments; begins with batch N
 *
 * Each batch is a process of its own, which may die of what it does. The program itself must live to print `done`: it
 * ends with 1 when a call answered what Linux never answers, when a process could not be killed, or when pipes and
 * processes don't work any more. Run it in a sandbox only: as root it takes a machine apart. `wild` leaves out what a
 * machine would not survive, so that its output can be compared with that of Linux itself. */
#include "../linux/test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include "calls.h"

/* Memory for arguments, with holes around; a page that can't be read and one that can't be written. */
#define ARENA ((char *)0x100000000000)
#define PAGES 16
#define CLOSED (ARENA + (PAGES + 4) * PAGE)
#define CONSTANT (ARENA + (PAGES + 8) * PAGE)
#define HOLE (ARENA + (PAGES + 12) * PAGE)
#define BATCH 100
#define MOST_NUMBER 520
enum { A_FILE, A_DIRECTORY, A_SOCKET, A_EPOLL, A_TIMER, A_INOTIFY, A_READ, A_WRITE, DESCRIPTORS };
static int descriptors[DESCRIPTORS];

/* What the processes tell: in memory that all share. */
static struct { long calls, results[4096], wrong, wrong_number, wrong_result; bool absent[MOST_NUMBER]; } *told;

static uint64_t state;
static uint64_t next(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static uint64_t below(uint64_t end) { return next() % end; }

static long raw(long number, long *a) { return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]); }
static void nothing(int signal) { (void)signal; }

/* What a batch starts with. */
static void prepare(void) {
    mmap(ARENA, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap(CLOSED, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap(CONSTANT, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    int pipes[2], pair[2];
    MUST(pipe2(pipes, O_NONBLOCK));
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    descriptors[A_FILE] = MUST(open("file", O_RDWR | O_CREAT, 0644));
    MUST(write(descriptors[A_FILE], ARENA, 2 * PAGE));
    MUST(lseek(descriptors[A_FILE], 0, SEEK_SET));
    descriptors[A_DIRECTORY] = MUST(open(".", O_RDONLY | O_DIRECTORY));
    descriptors[A_SOCKET] = pair[0];
    MUST(write(pair[1], ARENA, 100));
    descriptors[A_EPOLL] = MUST(epoll_create1(0));
    descriptors[A_TIMER] = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    descriptors[A_INOTIFY] = MUST(inotify_init1(IN_NONBLOCK));
    descriptors[A_READ] = pipes[0];
    descriptors[A_WRITE] = pipes[1];
    MUST(write(pipes[1], ARENA, 100));
    struct sigaction act = {.sa_handler = nothing};
    int quiet[] = {SIGALRM, SIGUSR1, SIGPIPE, SIGCHLD};
    for (int i = 0; i < 4; i++) sigaction(quiet[i], &act, NULL);
}
/* Blocking calls end after some milliseconds. */
static void tick(void) {
    struct itimerval often = {{0, 10000}, {0, 10000}};
    setitimer(ITIMER_REAL, &often, NULL);
}

static int kind_descriptor(char kind) {
    const char *all = "fdKETNRW", *at = strchr(all, kind);
    return at && kind ? descriptors[at - all] : -1;
}

/* --- the systematic part --- */

static const struct { const char *name; unsigned long at; } wild[] = {
    {"null", 0},
    {"one", 1},
    {"hole", (unsigned long)HOLE},
    {"closed", (unsigned long)CLOSED},
    {"constant", (unsigned long)CONSTANT},
    {"straddling", (unsigned long)ARENA + PAGES * PAGE - 3},
    {"last byte", (unsigned long)ARENA + PAGES * PAGE - 1},
    {"boot page", 0x7dffffff0000},
    {"kernel text", 0x7e0000001000},
    {"kernel stacks", 0x7e1000001000},
    {"kernel heap", 0x7e4000000010},
    {"user end", 0x7ffffffff000},
    {"no address", 0x800000000000},
    {"sign bit", 0x8000000000000000},
    {"minus one", -1UL},
    {"minus page", -4096UL},
};
/* Natively these would change the machine, end the program or wait; what the sandbox refuses is not compared. */
static bool is_left_out(const char *name) {
    static const char *const names[] = {
        "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname", "mount", "umount2",
        "pivot_root", "acct", "swapon", "swapoff", "reboot", "init_module", "finit_module", "delete_module", "quotactl",
        "quotactl_fd", "kexec_load", "kexec_file_load", "syslog", "bpf", "perf_event_open", "fanotify_init", "fanotify_mark",
        "io_setup", "io_destroy", "io_getevents", "io_submit", "io_cancel", "io_pgetevents", "io_uring_setup",
        "io_uring_enter", "io_uring_register", "add_key", "request_key", "keyctl", "ptrace", "lookup_dcookie", "sysfs", "ustat",
        "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount", "mount_setattr", "statmount", "listmount",
        "open_by_handle_at", "name_to_handle_at", "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules",
        "landlock_create_ruleset", "landlock_add_rule", "mbind", "set_mempolicy", "get_mempolicy", "migrate_pages", "move_pages",
        "seccomp", "rseq", "sched_setattr", "sched_getattr", "process_madvise", "cachestat", "futex_waitv", "futex_wake",
        "futex_wait", "futex_requeue", "clone", "clone3", "arch_prctl", "set_tid_address", "process_vm_readv",
        "process_vm_writev", "munmap", "mremap", "mmap", "mprotect", "madvise", "brk", "mlock", "munlock", "mlock2", "msync",
        "remap_file_pages", "pkey_mprotect", "set_mempolicy_home_node", "map_shadow_stack", "mseal", "rt_sigsuspend",
        "epoll_wait", "shmat", "shmdt", "semctl", "msgctl", "shmctl", "pidfd_send_signal", "chroot", "getcwd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}
static bool is_pointer(char kind) { return kind && strchr("pbavht", kind); }

static long ordinary(const struct call *call, int index) {
    char kind = call->kinds[index];
    if (kind_descriptor(kind) >= 0) return kind_descriptor(kind);
    /* Each pointer has pages of its own. */
    char *mine = ARENA + index * 2 * PAGE;
    memset(mine, 0, 2 * PAGE);
    switch (kind) {
    case 'p': return (long)strcpy(mine, "file");
    case 'b': case 'a': return (long)mine;
    case 'v': *(struct iovec *)mine = (struct iovec){mine + PAGE, 8}; return (long)mine;
    case 'h':
        *(struct iovec *)(mine + 1024) = (struct iovec){mine + PAGE, 8};
        *(struct msghdr *)mine = (struct msghdr){.msg_iov = (void *)(mine + 1024), .msg_iovlen = 1};
        return (long)mine;
    case 't': return (long)mine;
    case 's': return 8;
    case 'c': return 1;
    case 'k': return SIGUSR1;
    case 'q': return getpid();
    default: return 0;
    }
}
static void wild_row(const struct call *call) {
    int count = strlen(call->kinds);
    for (int index = 0; index < count; index++) {
        if (!is_pointer(call->kinds[index])) continue;
        for (size_t w = 0; w < sizeof wild / sizeof *wild; w++) {
            long a[6] = {0};
            for (int i = 0; i < count; i++) a[i] = ordinary(call, i);
            a[index] = wild[w].at;
            lseek(descriptors[A_FILE], 0, SEEK_SET);
            tick();
            errno = 0;
            long result = raw(call->number, a);
            printf("%s argument %d %s: %s\n", call->name, index + 1, wild[w].name,
                   result == -1 ? test_errno_name(errno) : "ok");
        }
    }
}
static void wild_all(void) {
    for (size_t i = 0; i < CALLS; i++) {
        if (is_left_out(calls[i].name)) continue;
        fflush(stdout);
        pid_t child = MUST(fork());
        if (child == 0) {
            prepare();
            wild_row(&calls[i]);
            fflush(stdout);
            _exit(0);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        if (status) printf("%s: died with %x\n", calls[i].name, status);
        unlink("file");
    }
}

/* --- the random part --- */

static long edge(void) {
    static const long edges[] = {-1, -2, INT_MAX, INT_MIN, UINT_MAX, LONG_MAX, LONG_MIN, 4095, 4096, 4097, 1 << 20, 1 << 30,
                                 1L << 31, 1L << 32, 1L << 46, 1L << 47, 0x7fffffffffffL, 65535, 65536, 255, 256, -4096, 1024, 1025};
    return edges[below(sizeof edges / sizeof *edges)];
}
static long pointer(void) {
    switch (below(8)) {
    case 0: return wild[below(sizeof wild / sizeof *wild)].at;
    case 1: return (long)ARENA + PAGES * PAGE - below(64);
    case 2: return (long)ARENA + below(PAGES) * PAGE;
    default: return (long)ARENA + below(PAGES * PAGE / 8 - 32) * 8;
    }
}
static long flags(void) {
    long bits = 0;
    for (int i = below(4); i >= 0; i--) bits |= 1L << below(32);
    return below(3) ? bits : (long)below(16);
}
static long value(char kind);
/* Fills some memory with what arguments may hold. */
static long structure(void) {
    long *words = (long *)(ARENA + below(PAGES * PAGE / 8 - 64) * 8);
    static const char kinds[] = "fbsigptqkic";
    for (int i = below(24); i >= 0; i--) words[i] = value(kinds[below(sizeof kinds - 1)]);
    return (long)words;
}
static long text(void) {
    static const char *const names[] = {
        "file", ".", "..", "directory", "directory/x", "link", "/proc/self/maps", "/proc/self/fd", "/dev/null", "/dev/zero", "/",
        "/tmp", "/dev/full", "", "loop", "loop/x", "fifo", "/proc/self/exe", "/etc/passwd", "file/x", "/proc/self/fd/3", "user.x",
        "/queue", "/dev/ptmx", "/dev/shm/x", "/proc/1/status", "/sys", "/usr/bin", "socket", "/proc/self/stat"};
    char *at = ARENA + below(PAGES * PAGE - 300);
    switch (below(12)) {
    case 0: memset(at, 1 + below(255), 256); at[255] = below(2); return (long)at;
    case 1: for (int i = 0; i < 20; i++) at[i] = next(); at[20] = 0; return (long)at;
    default: return (long)strcpy(at, names[below(sizeof names / sizeof *names)]);
    }
}
static long value(char kind) {
    if (below(20) == 0) return below(2) ? edge() : pointer();
    switch (kind) {
    case 'f': case 'd': case 'K': case 'E': case 'T': case 'N': case 'R': case 'W':
        switch (below(6)) {
        case 0: return below(30);
        case 1: return descriptors[below(DESCRIPTORS)];
        case 2: return kind == 'd' ? AT_FDCWD : descriptors[below(DESCRIPTORS)];
        default: return kind_descriptor(kind);
        }
    case 'p': return below(10) ? text() : pointer();
    case 'b': return below(2) ? pointer() : structure();
    case 'v': case 'h': {
        long at = structure();
        if (below(2)) ((long *)at)[0] = pointer(), ((long *)at)[1] = below(5000);
        if (kind == 'h' && below(2)) ((long *)at)[2] = structure(), ((long *)at)[3] = below(4);
        return at;
    }
    case 't': {
        long *at = (long *)(ARENA + below(PAGES * PAGE / 8 - 2) * 8);
        at[0] = below(8) ? 0 : edge(), at[1] = below(8) ? below(2000000) : edge();
        return below(8) ? (long)at : pointer();
    }
    case 'a': return below(8) ? (long)ARENA + below(PAGES) * PAGE : pointer();
    case 's': return below(4) ? below(9000) : below(2) ? (long)below(5) * 8 : edge();
    case 'c': return below(8) ? below(6) : edge();
    case 'k': return below(4) ? below(66) : edge();
    case 'q': return below(3) ? getpid() : below(2) ? 0 : 100000 + (long)below(1000);
    case 'g': return below(3) ? flags() : 0;
    default: return below(3) ? (long)below(20) : below(2) ? flags() : edge();
    }
}
/* What must not happen to the program that watches. */
static bool is_spared(long number, long *a) {
    pid_t self = getpid();
    switch (number) {
    case SYS_exit: case SYS_exit_group: return below(50) != 0;
    case SYS_kill: case SYS_tkill: case SYS_prlimit64: case SYS_setpgid: case SYS_sched_setparam:
    case SYS_sched_setscheduler: case SYS_sched_setaffinity: case SYS_rt_sigqueueinfo: case SYS_tgkill:
    case SYS_rt_tgsigqueueinfo: case SYS_process_vm_writev:
        return (int)a[0] != 0 && (int)a[0] != self && (int)a[0] < 100000;
    case SYS_setpriority: return true;
    case SYS_fcntl: return a[1] == F_SETOWN || a[1] == 15 /* F_SETOWN_EX */;
    case SYS_ioctl: return (a[1] & 0xffff) == 0x8901 /* FIOSETOWN */ || (a[1] & 0xffff) == 0x8902 /* SIOCSPGRP */;
    default: return false;
    }
}
static void random_call(void) {
    static const char any[] = "fdKbpsvthigkqca";
    long a[6], number;
    const char *kinds = "";
    if (below(8) == 0) {
        /* Not with the bit of the x32 ABI: that ends a sandbox, as docs/trust.md says. */
        number = (below(16) ? (long)below(MOST_NUMBER) : edge()) & ~0x40000000L;
    } else {
        const struct call *call = &calls[below(CALLS)];
        number = call->number, kinds = call->kinds;
    }
    for (int i = 0, ended = 0; i < 6; i++) {
        ended = ended || !kinds[i];
        a[i] = value(ended ? any[below(sizeof any - 1)] : kinds[i]);
    }
    if (is_spared(number & 0xffffffff, a)) return;
    /* Calls that are not there tell little: once in a while is enough. */
    if (number >= 0 && number < MOST_NUMBER && told->absent[number] && below(20)) return;
    pid_t self = getpid(), thread = syscall(SYS_gettid);
    /* Children that share our memory would run on our stack. */
    if (number == SYS_clone) a[0] &= ~(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND), a[1] = 0;
    if (number == SYS_clone3) ((long *)ARENA)[0] = value('g') & ~(long)(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND);
    errno = 0;
    long result = raw(number, a);
    int error = errno;
    if (syscall(SYS_getpid) != self || syscall(SYS_gettid) != thread) _exit(0);
    told->calls++;
    if (result == -1 && error) {
        told->results[error & 4095]++;
        if (error > 133 && error != 524 /* ENOTSUPP */) told->wrong++, told->wrong_number = number, told->wrong_result = error;
    } else told->results[0]++;
}
static void batch(uint64_t seed, long number) {
    state = seed * 0x2545f4914f6cdd1du ^ (uint64_t)number * 0x9e3779b97f4a7c15u;
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int hole = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) dup2(hole, i);
    prepare();
    mkdir("directory", 0755);
    (void)!symlink("loop", "loop");
    (void)!symlink("file", "link");
    mkfifo("fifo", 0644);
    struct rlimit space = {1L << 28, 1L << 28}, file = {1 << 26, 1 << 26}, processes = {64, 64};
    setrlimit(RLIMIT_AS, &space);
    setrlimit(RLIMIT_FSIZE, &file);
    if (below(8) == 0) setrlimit(RLIMIT_NOFILE, &processes);
    struct sigaction quiet = {.sa_handler = nothing};
    sigaction(SIGXFSZ, &quiet, NULL);
    for (int i = 0; i < PAGES * PAGE / 8; i += 1 + below(20)) ((long *)ARENA)[i] = below(4) ? value("fbsig"[below(5)]) : next();
    tick();
    for (int i = 0; i < BATCH; i++) random_call();
    _exit(0);
}
/* Finds the calls that are not there, before anything else, so that a batch is the same whenever it is made. */
static void probe(void) {
    memset(told->absent, true, sizeof told->absent);
    for (size_t i = 0; i < CALLS; i++) {
        long a[6] = {-1, -1, -1, -1, -1, -1};
        /* What has no arguments can't be tried. */
        bool tried = calls[i].kinds[0] && calls[i].number != SYS_exit && calls[i].number != SYS_exit_group;
        if (tried && strcmp(calls[i].kinds, "i") != 0 && strcmp(calls[i].kinds, "qk") != 0)
            told->absent[calls[i].number] = raw(calls[i].number, a) == -1 && errno == ENOSYS;
        else told->absent[calls[i].number] = false;
    }
    _exit(0);
}
/* Waits for a child, at most so many milliseconds. */
static bool ended_within(pid_t child, int ms) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    int64_t until = test_now_ns(CLOCK_MONOTONIC) + ms * 1000000L;
    for (;;) {
        pid_t got;
        while ((got = waitpid(-1, NULL, WNOHANG)) > 0)
            if (got == child) return true;
        if (test_now_ns(CLOCK_MONOTONIC) >= until) return false;
        struct timespec some = {0, 20000000};
        sigtimedwait(&set, NULL, &some);
    }
}
static int random_all(uint64_t seed, long count, long number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGALRM, SIG_IGN);
    long killed = 0, batches = 0;
    pid_t prober = fork();
    if (prober == 0) probe();
    ended_within(prober, 2000);
    kill(prober, SIGKILL);
    for (; told->calls < count && batches < count; number++, batches++) {
        pid_t child = fork();
        if (child < 0) {
            printf("batch %ld: fork: %s\n", number, test_errno_name(errno));
            return 1;
        }
        if (child == 0) batch(seed, number);
        if (!ended_within(child, 2000)) {
            killed++;
            kill(child, SIGKILL);
            if (!ended_within(child, 10000)) {
                printf("batch %ld can't be killed\n", number);
                return 1;
            }
        }
        kill(-child, SIGKILL);
        int ends[2];
        char byte = 0;
        if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1 || read(ends[0], &byte, 1) != 1 || byte != 'x') {
            printf("batch %ld: pipes don't work any more: %s\n", number, test_errno_name(errno));
            return 1;
        }
        close(ends[0]), close(ends[1]);
        if (told->wrong) {
            printf("batch %ld: call %ld answered %ld\n", number, told->wrong_number, told->wrong_result);
            return 1;
        }
    }
    printf("%ld calls in %ld batches, seed %lu, %ld batches killed:", told->calls, batches, seed, killed);
    printf(" ok %ld", told->results[0]);
    for (int i = 1; i < 4096; i++)
        if (told->results[i]) printf(", %s %ld", test_errno_name(i), told->results[i]);
    printf("\ndone\n");
    return 0;
}
int main(int count, char **words) {
    static char big[1 << 16];
    if (count < 2) {
        fprintf(stderr, "fuzz-calls wild | fuzz-calls SEED COUNT [BATCH]\n");
        return 2;
    }
    signal(SIGALRM, SIG_DFL), alarm(0);
    setvbuf(stdout, big, _IOFBF, sizeof big);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    test_scratch_directory();
    if (strcmp(words[1], "wild") == 0) {
        struct rlimit few = {1024, 1024};
        setrlimit(RLIMIT_NOFILE, &few);
        wild_all();
        printf("done\n");
        return 0;
    }
    int status = random_all(strtoul(words[1], NULL, 0), count > 2 ? atol(words[2]) : 10000, count > 3 ? atol(words[3]) : 0);
    fflush(stdout);
    return status;
}
