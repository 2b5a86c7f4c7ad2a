/* Calls about the machine: what they refuse whoever asks, and what an ordinary user may not.
 * test: needs root
 */
#include "test.h"
#include <linux/reboot.h>
#include <sys/klog.h>
#include <sys/timex.h>
int main(void) {
    char bytes[64];
    CALL(syscall(SYS_syslog, -1, bytes, 10));
    CALL(syscall(SYS_syslog, 11, bytes, 10));
    CALL(syscall(SYS_sysfs, 4, 0, 0));
    CALL(syscall(SYS_sysfs, 1, "no such kind", 0));
    CALL(syscall(SYS_sysfs, 1, 8, 0));
    CALL(syscall(SYS_sysfs, 2, 1000, bytes));
    YES(syscall(SYS_sysfs, 3) > 0);
    YES(syscall(SYS_sysfs, 1, "proc", 0) >= 0);
    YES(syscall(SYS_sysfs, 2, syscall(SYS_sysfs, 1, "tmpfs", 0), bytes) == 0 && strcmp(bytes, "tmpfs") == 0);
    CALL(syscall(SYS_ustat, 0xffff, bytes));
    CALL(syscall(SYS_unshare, 0));
    CALL(syscall(SYS_setns, -1, 0));
    CALL(syscall(SYS_setns, 1, 0));
    CALL(syscall(SYS_pkey_free, 15));
    CALL(syscall(SYS_pkey_free, -1));
    struct timex timex = {.modes = 0};
    YES(adjtimex(&timex) >= 0);
    YES(timex.tick >= 9000 && timex.tick <= 11000 && timex.time.tv_sec > 1600000000);
    CALL(adjtimex((void *)8) == -1 && errno == EFAULT);
    CALL(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &timex));
    CALL(syscall(SYS_clock_adjtime, 77, &timex));
    CALL(syscall(SYS_clock_adjtime, CLOCK_REALTIME, 8));
    MUST(setresuid(1000, 1000, 1000));
    CALL(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_ON, 0));
    CALL(syscall(SYS_reboot, 1, 2, 3, 0));
    CALL(syscall(SYS_vhangup));
    CALL(syscall(SYS_swapon, "/none", 0));
    CALL(syscall(SYS_swapoff, "/none"));
    CALL(syscall(SYS_acct, "/none"));
    CALL(syscall(SYS_syslog, 5, NULL, 0));
    CALL(syscall(SYS_unshare, 0x00020000 /* CLONE_NEWNS */));
    timex.modes = ADJ_TICK;
    CALL(adjtimex(&timex));
    struct timespec now = {1, 1};
    CALL(clock_settime(CLOCK_REALTIME, &now));
    return 0;
}
