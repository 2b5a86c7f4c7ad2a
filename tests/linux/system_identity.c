/* uname, identities, limits and system figures are sane.
 * test: variants dynamic static musl
 */
#include "test.h"
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
int main(void) {
    struct utsname name;
    struct rlimit limit;
    struct sysinfo info;
    struct rusage usage;
    gid_t groups[64];
    CALL(uname(&name));
    puts(name.sysname), puts(name.machine);
    YES(atoi(name.release) >= 4);
    YES(strlen(name.nodename) > 0);
    char host[65] = "";
    CALL(gethostname(host, sizeof host));
    YES(strcmp(host, name.nodename) == 0);
    YES(getuid() == geteuid() && getgid() == getegid());
    YES(getgroups(64, groups) >= 0);
    YES(getpid() > 1 && getppid() >= 0 && getpid() != getppid());
    YES(getpgid(0) > 0 || getpgid(0) == 0);
    CALL(getrlimit(RLIMIT_NOFILE, &limit));
    YES(limit.rlim_cur >= 64);
    limit.rlim_cur = 60;
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    CALL(getrlimit(RLIMIT_NOFILE, &limit));
    CALL(limit.rlim_cur);
    CALL(getrlimit(99, &limit));
    limit.rlim_cur = limit.rlim_max, limit.rlim_max--;
    CALL(limit.rlim_max < limit.rlim_cur ? setrlimit(RLIMIT_NOFILE, &limit) : -1);
    CALL(sysinfo(&info));
    YES(info.totalram > 0 && info.uptime > 0 && info.mem_unit > 0 && info.procs > 0);
    CALL(getrusage(RUSAGE_SELF, &usage));
    YES(usage.ru_maxrss > 0);
    CALL(getrusage(99, &usage));
    CALL(sysconf(_SC_PAGESIZE));
    CALL(sysconf(_SC_CLK_TCK));
    struct statvfs fs;
    CALL(statvfs("/tmp", &fs));
    YES(fs.f_bsize >= 512 && fs.f_namemax == 255);
    CALL(statvfs("/absent", &fs));
    return 0;
}
