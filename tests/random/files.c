/* Interpreter of random programs of the file system.
 *
 * All happens in a fresh directory of tmpfs, with few names and few descriptors, so that operations meet. Sizes of
 * directories and numbers of inodes are the file system's own and not looked at, times only where they must not change. */
#include "random.h"
#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#define SLOTS 6
static const char *const paths[] = {"a", "b", "c", "d", "d/a", "d/b", "d/d", "d/d/a", "e", "e/a", "l", "l/a", "d/../a", "e/", "a/", "./b",
                                    "d/l", "nothing/a", "d/d/../../e/a", ""};
#define PATHS (long)(sizeof paths / sizeof *paths)
static int slots[SLOTS];
static char buffer[1 << 16];

static const char *path(long number) { return paths[(unsigned long)number % PATHS]; }
static int fd(long number) { return slots[(unsigned long)number % SLOTS]; }
static void fill(long count, long seed) {
    for (long i = 0; i < count; i++) buffer[i] = seed + i * 13 + i / 251;
}
static long bounded(long count) { return count < 0 ? 0 : count > (long)sizeof buffer ? (long)sizeof buffer : count; }
static char kind(mode_t mode) {
    return S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISFIFO(mode) ? 'p' : S_ISSOCK(mode) ? 's' : '?';
}
static void show_stat(const struct stat *st) {
    printf(" %c%04o", kind(st->st_mode), st->st_mode & 07777);
    /* Directories count links as the file system likes. */
    if (S_ISREG(st->st_mode)) printf(" %ld %ld", (long)st->st_nlink, (long)st->st_size);
    if (S_ISLNK(st->st_mode)) printf(" %ld", (long)st->st_size);
}
static int by_name(const void *left, const void *right) { return strcmp(*(char **)left, *(char **)right); }
/* Names of a directory, in order. */
static void list(const char *at) {
    static char names[64][32], *order[64];
    int count = 0;
    DIR *dir = opendir(at);
    result(dir != NULL);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir)) && count < 64; count++) {
        snprintf(names[count], sizeof names[count], "%s%c", entry->d_name, entry->d_type == DT_DIR ? '/' : entry->d_type == DT_LNK ? '@'
                 : entry->d_type == DT_FIFO ? '|' : entry->d_type == DT_REG ? '=' : '?');
        order[count] = names[count];
    }
    closedir(dir);
    qsort(order, count, sizeof *order, by_name);
    for (int i = 0; i < count; i++) printf(" %s", order[i]);
}
static void tree(const char *at, int depth) {
    static char full[8][256];
    DIR *dir = opendir(at);
    if (!dir) return;
    char names[32][32], *order[32];
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) && count < 32;)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            snprintf(names[count], sizeof names[count], "%s", entry->d_name);
            order[count] = names[count], count++;
        }
    closedir(dir);
    qsort(order, count, sizeof *order, by_name);
    for (int i = 0; i < count && depth < 8; i++) {
        struct stat st;
        snprintf(full[depth], sizeof full[depth], "%s/%s", at, order[i]);
        if (lstat(full[depth], &st) != 0) continue;
        printf(" %s", full[depth]);
        show_stat(&st);
        if (S_ISREG(st.st_mode)) {
            int f = open(full[depth], O_RDONLY);
            uint32_t sum = 0;
            for (long got; (got = read(f, buffer, sizeof buffer)) > 0;) sum = sum * 31 + sum_of((unsigned char *)buffer, got);
            close(f);
            printf(" %08x", sum);
        }
        if (S_ISDIR(st.st_mode)) tree(full[depth], depth + 1);
    }
}
static void number(long value) {
    result(value >= 0);
    if (value >= 0) printf(" %ld", value);
}
int main(void) {
    static char big[1 << 16], input[1 << 12];
    setvbuf(stdout, big, _IOFBF, sizeof big);
    setvbuf(stdin, input, _IOFBF, sizeof input);
    char name[] = "/dev/shm/catalyzer-random-XXXXXX";
    if (!mkdtemp(name)) MUST(-1);
    MUST(chdir(name));
    umask(022);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SLOTS; i++) slots[i] = -1;
    while (next_operation()) {
        long *a = argument;
        errno = 0;
        if (is("open")) { /* slot path flags mode */
            int got = open(path(a[1]), a[2] | O_NONBLOCK | O_NOCTTY, a[3]);
            result(got >= 0);
            if (got >= 0) {
                if (fd(a[0]) >= 0) close(fd(a[0]));
                slots[(unsigned long)a[0] % SLOTS] = got;
                printf(" %x", fcntl(got, F_GETFL) & ~(0100000 | O_NONBLOCK));
            }
        } else if (is("close")) {
            result(close(fd(a[0])) == 0);
            slots[(unsigned long)a[0] % SLOTS] = -1;
        } else if (is("dup")) { /* from to: share a position */
            int got = dup(fd(a[0]));
            result(got >= 0);
            if (got >= 0) {
                if (fd(a[1]) >= 0) close(fd(a[1]));
                slots[(unsigned long)a[1] % SLOTS] = got;
            }
        } else if (is("read")) {
            memset(buffer, 0, sizeof buffer);
            long got = read(fd(a[0]), buffer, bounded(a[1]));
            number(got);
            if (got > 0) printf(" %08x", sum_of((unsigned char *)buffer, got));
        } else if (is("write")) fill(bounded(a[1]), a[2]), number(write(fd(a[0]), buffer, bounded(a[1])));
        else if (is("pread")) {
            long got = pread(fd(a[0]), buffer, bounded(a[1]), a[2]);
            number(got);
            if (got > 0) printf(" %08x", sum_of((unsigned char *)buffer, got));
        } else if (is("pwrite")) fill(bounded(a[1]), a[3]), number(pwrite(fd(a[0]), buffer, bounded(a[1]), a[2]));
        else if (is("readv")) {
            struct iovec parts[3] = {{buffer, bounded(a[1])}, {buffer + 30000, a[2] & 4095}, {buffer + 40000, a[3] & 4095}};
            if (parts[0].iov_len > 30000) parts[0].iov_len = 30000;
            long got = readv(fd(a[0]), parts, 3);
            number(got);
            for (int i = 0; i < 3 && got > 0; i++) {
                long part = got < (long)parts[i].iov_len ? got : (long)parts[i].iov_len;
                printf(" %08x", sum_of(parts[i].iov_base, part)), got -= part;
            }
        } else if (is("seek")) {
            /* File systems don't agree on where a directory ends. */
            struct stat st = {0};
            bool directory = fstat(fd(a[0]), &st) == 0 && S_ISDIR(st.st_mode);
            errno = 0;
            number(lseek(fd(a[0]), directory ? 0 : a[1], directory ? 0 : a[2]));
        } else if (is("ftruncate")) result(ftruncate(fd(a[0]), a[1]) == 0);
        else if (is("truncate")) result(truncate(path(a[0]), a[1]) == 0);
        else if (is("fallocate")) result(fallocate(fd(a[0]), a[1], a[2], a[3]) == 0);
        else if (is("mkdir")) result(mkdir(path(a[0]), a[1]) == 0);
        else if (is("rmdir")) result(rmdir(path(a[0])) == 0);
        else if (is("unlink")) result(unlink(path(a[0])) == 0);
        else if (is("unlinkat")) result(unlinkat(AT_FDCWD, path(a[0]), a[1]) == 0);
        else if (is("link")) result(link(path(a[0]), path(a[1])) == 0);
        else if (is("linkat")) result(linkat(AT_FDCWD, path(a[0]), AT_FDCWD, path(a[1]), a[2]) == 0);
        else if (is("symlink")) result(symlink(path(a[0]), path(a[1])) == 0);
        else if (is("readlink")) {
            long got = readlink(path(a[0]), buffer, a[1]);
            number(got);
            if (got > 0) printf(" %.*s", (int)got, buffer);
        } else if (is("rename")) result(syscall(SYS_renameat2, AT_FDCWD, path(a[0]), AT_FDCWD, path(a[1]), a[2]) == 0);
        else if (is("mkfifo")) result(mkfifo(path(a[0]), a[1]) == 0);
        else if (is("chmod")) result(chmod(path(a[0]), a[1]) == 0);
        else if (is("fchmod")) result(fchmod(fd(a[0]), a[1]) == 0);
        else if (is("stat")) {
            struct stat st;
            bool worked = fstatat(AT_FDCWD, path(a[0]), &st, a[1]) == 0;
            result(worked);
            if (worked) show_stat(&st);
        } else if (is("fstat")) {
            struct stat st;
            bool worked = fstat(fd(a[0]), &st) == 0;
            result(worked);
            if (worked) show_stat(&st);
        } else if (is("access")) result(access(path(a[0]), a[1]) == 0);
        else if (is("list")) list(path(a[0])[0] ? path(a[0]) : ".");
        else if (is("chdir")) {
            result(chdir(path(a[0])) == 0);
            MUST(chdir(name));
        } else if (is("copy")) { /* from offset to offset count */
            off_t from = a[1], to = a[3];
            number(copy_file_range(fd(a[0]), a[1] < 0 ? NULL : &from, fd(a[2]), a[3] < 0 ? NULL : &to, a[4], a[5]));
            printf(" %ld %ld", (long)from, (long)to);
        } else if (is("sendfile")) { /* to from offset count */
            /* A FIFO would hold the file's own pages, which change when it is written to. */
            off_t from = a[2];
            struct stat st = {0};
            if (fstat(fd(a[0]), &st) == 0 && S_ISFIFO(st.st_mode)) a[3] = 0;
            errno = 0;
            number(sendfile(fd(a[0]), fd(a[1]), a[2] < 0 ? NULL : &from, bounded(a[3])));
            printf(" %ld", (long)from);
        } else if (is("setxattr")) {
            char attribute[] = {'u', 's', 'e', 'r', '.', 'x' + a[1] % 3, 0};
            fill(64, a[3]);
            result(setxattr(path(a[0]), attribute, buffer, a[2] & 63, a[4]) == 0);
        } else if (is("getxattr")) {
            char attribute[] = {'u', 's', 'e', 'r', '.', 'x' + a[1] % 3, 0};
            long got = getxattr(path(a[0]), attribute, buffer, a[2] & 127);
            number(got);
            if (got > 0 && a[2] & 127) printf(" %08x", sum_of((unsigned char *)buffer, got));
        } else if (is("removexattr")) {
            char attribute[] = {'u', 's', 'e', 'r', '.', 'x' + a[1] % 3, 0};
            result(removexattr(path(a[0]), attribute) == 0);
        } else if (is("setfl")) {
            result(fcntl(fd(a[0]), F_SETFL, a[1] | O_NONBLOCK) == 0);
            if (fd(a[0]) >= 0) printf(" %x", fcntl(fd(a[0]), F_GETFL) & ~(0100000 | O_NONBLOCK));
        } else if (is("tmpfile")) { /* slot path */
            int got = open(path(a[1])[0] ? path(a[1]) : ".", O_TMPFILE | O_RDWR | (a[2] & O_EXCL), 0600);
            result(got >= 0);
            if (got >= 0) {
                if (fd(a[0]) >= 0) close(fd(a[0]));
                slots[(unsigned long)a[0] % SLOTS] = got;
            }
        } else if (is("linkfd")) { /* slot path: gives it a name */
            char from[64];
            snprintf(from, sizeof from, "/proc/self/fd/%d", fd(a[0]));
            result(linkat(AT_FDCWD, from, AT_FDCWD, path(a[1]), AT_SYMLINK_FOLLOW) == 0);
        } else if (is("utimes")) {
            struct timespec times[2] = {{a[1], 5}, {a[2], 7}};
            struct stat st;
            bool worked = utimensat(AT_FDCWD, path(a[0]), times, a[3]) == 0;
            result(worked);
            if (worked && fstatat(AT_FDCWD, path(a[0]), &st, a[3]) == 0) printf(" %ld %ld", (long)st.st_atime, (long)st.st_mtime);
        } else if (is("tree")) {
            result(true);
            tree(".", 0);
        } else printf("%d %s unknown", line_number, operation);
        end_line();
    }
    printf("end");
    tree(".", 0);
    end_line();
    fflush(stdout);
    execlp("rm", "rm", "-rf", name, NULL);
    return 0;
}
