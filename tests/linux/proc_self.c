/* /proc/self: maps, status, exe, cmdline, fd, stat, comm.
 * test: args some arguments
 */
#include "test.h"
#include <dirent.h>
static char text[1 << 20];
static long slurp(const char *path) {
    int fd = open(path, O_RDONLY);
    long total = 0;
    if (fd < 0) {
        printf("%s: %s\n", path, test_errno_name(errno));
        return -1;
    }
    for (ssize_t n; (n = read(fd, text + total, sizeof text - 1 - total)) > 0;) total += n;
    text[total] = 0;
    close(fd);
    return total;
}
int main(int argc, char **argv) {
    char link[PATH_MAX], line[64];
    char *area = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    YES(slurp("/proc/self/maps") > 100);
    YES(strstr(text, "proc_self") && strstr(text, "libc") && strstr(text, "[stack]") && strstr(text, "r-xp"));
    snprintf(line, sizeof line, "%lx-", (unsigned long)area);
    unsigned long from, to, at = (unsigned long)area;
    char mode[5] = "";
    int found = 0;
    for (char *p = text; p && *p; p = strchr(p, '\n'), p += p != NULL)
        if (sscanf(p, "%lx-%lx %4s", &from, &to, mode) == 3 && from <= at && at + 3 * PAGE <= to) found = mode[0] == 'r' && mode[1] == '-';
    YES(found);
    YES(slurp("/proc/self/status") > 100);
    YES(strstr(text, "Name:\tproc_self") && strstr(text, "Threads:\t1\n") && strstr(text, "VmRSS:"));
    snprintf(line, sizeof line, "Pid:\t%d\n", getpid());
    YES(strstr(text, line));
    long size = slurp("/proc/self/cmdline");
    YES(size == (long)(strlen(argv[0]) + strlen(" some arguments") + 1));
    YES(strcmp(text, argv[0]) == 0 && strcmp(text + strlen(text) + 1, "some") == 0);
    ssize_t n = readlink("/proc/self/exe", link, sizeof link - 1);
    link[n > 0 ? n : 0] = 0;
    YES(strstr(link, "/proc_self"));
    int fd = open("/usr/bin/env", O_RDONLY);
    snprintf(line, sizeof line, "/proc/self/fd/%d", fd);
    n = readlink(line, link, sizeof link - 1);
    printf("%.*s\n", (int)n, link);
    int same = open(line, O_RDONLY);
    YES(same > fd);
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; (e = readdir(dir));) count += e->d_name[0] != '.';
    closedir(dir);
    YES(count >= 5);
    YES(slurp("/proc/self/stat") > 50);
    YES(atoi(text) == getpid() && strstr(text, "(proc_self"));
    YES(slurp("/proc/self/comm") > 0);
    printf("%s", text);
    YES(slurp("/proc/self/statm") > 5);
    YES(slurp("/proc/self/environ") >= 0);
    snprintf(line, sizeof line, "/proc/%d/comm", getpid());
    YES(slurp(line) > 0);
    YES(access("/proc/self/task", F_OK) == 0);
    n = readlink("/proc/self/cwd", link, sizeof link - 1);
    char here[PATH_MAX];
    YES(n > 0 && getcwd(here, sizeof here) && strncmp(here, link, n) == 0);
    return 0;
}
