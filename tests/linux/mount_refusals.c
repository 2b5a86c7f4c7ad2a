/* What a program without the capability may not do with mounts and roots.
 * test: needs root
 */
#include "test.h"
#include <linux/capability.h>
#include <sys/mount.h>
int main(void) {
    test_scratch_directory();
    MUST(mkdir("d", 0755)), test_write_file("file", "x");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    MUST(syscall(SYS_capset, &header, data));
    CALL(mount("none", "d", "tmpfs", 0, NULL));
    CALL(mount("none", "absent", "tmpfs", 0, NULL));
    CALL(mount("none", "", "tmpfs", 0, NULL));
    CALL(mount("d", "d", NULL, MS_BIND, NULL));
    CALL(mount("none", (void *)8, "tmpfs", 0, NULL));
    CALL(umount("d"));
    CALL(umount("absent"));
    CALL(umount2("d", 0x100));
    CALL(umount2("/proc", MNT_DETACH));
    CALL(syscall(SYS_pivot_root, "d", "d"));
    CALL(chroot("d"));
    CALL(chroot("absent"));
    CALL(chroot("file"));
    CALL(chroot(""));
    CALL(mknod("null", S_IFCHR | 0666, 0x103));
    CALL(mknod("block", S_IFBLK | 0666, 0x103));
    CALL(mknod("whiteout", S_IFCHR, 0));
    CALL(syscall(SYS_swapon, "file", 0));
    CALL(syscall(SYS_swapoff, "file"));
    CALL(syscall(SYS_acct, NULL));
    CALL(syscall(SYS_fsopen, "tmpfs", 0));
    CALL(syscall(SYS_fsmount, 77, 0, 0));
    CALL(syscall(SYS_fspick, AT_FDCWD, "d", 0));
    CALL(syscall(SYS_open_tree, AT_FDCWD, "d", 1));
    CALL(syscall(SYS_move_mount, AT_FDCWD, "d", AT_FDCWD, "d", 0));
    unlink("file"), unlink("whiteout"), rmdir("d");
    test_remove_scratch_directory();
    return 0;
}
