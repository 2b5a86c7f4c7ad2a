/* RLIMIT_MEMLOCK binds who has no CAP_IPC_LOCK: mlock, MAP_LOCKED, mlockall, and what counts. */
#include "fault.h"
#include <sys/resource.h>
static long locked(void) {
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status)) sscanf(line, "VmLck: %ld", &kib);
    fclose(status);
    return kib;
}
int main(void) {
    char *p = numbered_pages(32);
    CALL(munmap(p + 20 * PAGE, PAGE));
    struct rlimit limit = {8 * PAGE, 8 * PAGE};
    CALL(setrlimit(RLIMIT_MEMLOCK, &limit));
    CALL(setresuid(65534, 65534, 65534));
    printf("%ld KiB\n", locked());
    CALL(mlock(p, 4 * PAGE));
    printf("%ld KiB\n", locked());
    CALL(mlock(p + 2 * PAGE, 4 * PAGE));
    printf("%ld KiB\n", locked());
    CALL(mlock(p, 9 * PAGE));
    CALL(mlock(p, 8 * PAGE));
    CALL(mlock(p + 8 * PAGE, 1));
    CALL(munlock(p + PAGE, 2 * PAGE));
    printf("%ld KiB\n", locked());
    MAPS(mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    MAPS(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    printf("%ld KiB\n", locked());
    CALL(mlockall(MCL_CURRENT));
    CALL(munlockall());
    printf("%ld KiB\n", locked());
    CALL(mlockall(MCL_FUTURE));
    MAPS(mmap(NULL, 9 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    MAPS(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    printf("%ld KiB\n", locked());
    CALL(munlockall());
    CALL(mlock(p + 19 * PAGE, 2 * PAGE));
    printf("%ld KiB\n", locked());
    limit.rlim_cur = 0;
    CALL(setrlimit(RLIMIT_MEMLOCK, &limit));
    CALL(mlock(p, PAGE));
    CALL(mlockall(MCL_CURRENT));
    CALL(munlock(p, 20 * PAGE));
    MAPS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    return 0;
}
