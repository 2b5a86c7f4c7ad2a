/* /proc of the system: meminfo, cpuinfo, uptime, loadavg, stat, version, sys. */
#include "test.h"
static char text[1 << 20];
static const char *slurp(const char *path) {
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = 0;
    if (file) fclose(file);
    return text;
}
int main(void) {
    YES(strstr(slurp("/proc/meminfo"), "MemTotal:") && strstr(text, "MemAvailable:"));
    YES(strstr(slurp("/proc/cpuinfo"), "processor\t: 0"));
    YES(atof(slurp("/proc/uptime")) > 0);
    YES(strchr(slurp("/proc/loadavg"), '/') != NULL);
    YES(strncmp(slurp("/proc/stat"), "cpu ", 4) == 0);
    YES(strncmp(slurp("/proc/version"), "Linux version", 13) == 0);
    YES(atoi(slurp("/proc/sys/kernel/pid_max")) >= 32768);
    YES(strlen(slurp("/proc/sys/kernel/hostname")) > 1);
    YES(atoi(slurp("/proc/sys/net/core/somaxconn")) >= 128);
    YES(strlen(slurp("/proc/filesystems")) > 0);
    YES(strlen(slurp("/proc/mounts")) > 0);
    CALL(open("/proc/absent", O_RDONLY));
    CALL(open("/proc/self/absent", O_RDONLY));
    CALL(mkdir("/proc/new", 0755));
    CALL(access("/proc/999999", F_OK));
    return 0;
}
