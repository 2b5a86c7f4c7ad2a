/* Asks the guest kernel, as a program may, for what belongs to the host: other processes, its devices, its settings,
 * its files. Every line is an answer; the harness knows which must be errors. */
#include "hostile.h"

static char buffer[256];

static void open_for(const char *path, long flags) {
    long fd = sys3(257, -100, path, flags);
    tell(path, fd);
    /* What can be opened for writing is the guest's own: nobody outside sees this. */
    if (fd >= 0 && (flags & 3)) sys3(NR_write, fd, "|/bin/false\n", 12);
    if (fd >= 0) sys3(3, fd, 0, 0);
}

int deed(int argc, char **argv) {
    (void)argc, (void)argv;
    /* Other processes: none but our own exist. */
    tell("ptrace attach 1", sys6(101, 16, 1, 0, 0, 0, 0));
    tell("ptrace seize 1", sys6(101, 0x4206, 1, 0, 0, 0, 0));
    struct { void *base; u64 len; } local = {buffer, sizeof buffer}, remote = {(void *)BOOT_PAGE, 64};
    tell("process_vm_readv", sys6(310, 1, (long)&local, 1, (long)&remote, 1, 0));
    tell("process_vm_writev", sys6(311, 1, (long)&local, 1, (long)&remote, 1, 0));
    tell("pidfd_getfd", sys3(438, 3, 0, 0));
    tell("kill 4242", sys3(62, 4242, 9, 0));
    /* The host's kernel. */
    tell("init_module", sys3(175, buffer, 8, ""));
    tell("kexec_load", sys6(246, 0, 0, 0, 0, 0, 0));
    tell("bpf", sys3(321, 0, buffer, 64));
    tell("perf_event_open", sys6(298, (long)buffer, 0, -1, -1, 0, 0));
    tell("userfaultfd", sys3(323, 0, 0, 0));
    tell("io_uring_setup", sys3(425, 8, buffer, 0));
    tell("reboot", sys6(169, 0xfee1dead, 672274793, 0x1234567, 0, 0, 0));
    tell("swapon", sys3(167, "/etc/passwd", 0, 0));
    tell("iopl", sys3(172, 3, 0, 0));
    tell("ioperm", sys3(173, 0, 1, 1));
    tell("settimeofday", sys3(164, buffer, 0, 0));
    tell("clock_settime", sys3(227, 0, buffer, 0));
    tell("open_by_handle_at", sys3(304, -100, buffer, 0));
    tell("mount", sys6(165, (long)"/dev/sda1", (long)"/mnt", (long)"ext4", 0, 0, 0));
    tell("setns", sys3(308, 0, 0, 0));
    tell("keyctl", sys6(250, 0, -3, 0, 0, 0, 0));
    tell("add_key", sys6(248, (long)"user", (long)"a", (long)buffer, 8, -3, 0));
    tell("acct", sys3(163, "/tmp/acct", 0, 0));
    tell("quotactl", sys6(179, 0, 0, 0, 0, 0, 0));
    /* Its files, behind names that lead outside a badly made root. */
    open_for("/proc/1/root/etc/shadow", 0);
    open_for("/proc/self/root/etc/shadow", 0);
    open_for("/proc/2/root/../../../../root/.bashrc", 0);
    open_for("/etc/../../../../../etc/shadow", 0);
    open_for("/etc/shadow", 0);
    open_for("/root/.ssh/authorized_keys", 0);
    open_for("/proc/kcore", 0);
    open_for("/proc/kallsyms", 2);
    open_for("/proc/sysrq-trigger", 1);
    open_for("/proc/sys/kernel/core_pattern", 1);
    open_for("/sys/kernel/uevent_helper", 1);
    open_for("/sys/fs/cgroup/cgroup.procs", 1);
    open_for("/dev/mem", 2);
    open_for("/dev/kmsg", 2);
    open_for("/dev/sda", 0);
    open_for("/dev/kvm", 2);
    open_for("/dev/fuse", 2);
    open_for("/dev/loop-control", 2);
    open_for("/run/catalyzer.sock", 2);
    open_for("/var/lib/catalyzer/images", 0);
    /* A device node of its own making is a name, not a device. */
    tell("mknod", sys3(133, "/tmp/disk", 060600, 8 << 8));
    open_for("/tmp/disk", 2);
    tell("mknod mem", sys3(133, "/tmp/mem", 020600, 1 << 8 | 1));
    open_for("/tmp/mem", 2);
    /* Memory files of the process lead to nothing that it can't reach anyway. */
    open_for("/proc/1/mem", 2);
    say("looked at all\n");
    return 0;
}
