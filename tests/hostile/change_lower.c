/* Changes everything it sees of the host folder at /w: writes, cuts, renames, removes, links, maps shared. Inside all of
 * that may work; the host's files stay as they are. */
#include "hostile.h"

int deed(int argc, char **argv) {
    (void)argc, (void)argv;
    long fd = sys6(257, -100, (long)"/w/written", 02, 0, 0, 0);
    tell("open", fd < 0);
    tell("write", sys3(NR_write, fd, "from the guest", 14));
    tell("truncate", sys3(76, "/w/cut", 0, 0));
    tell("unlink", sys3(87, "/w/removed", 0, 0));
    tell("rename", sys3(82, "/w/renamed", "/w/moved", 0));
    tell("chmod", sys3(90, "/w/mode", 0777, 0));
    tell("chown", sys3(92, "/w/mode", 1, 1));
    tell("symlink", sys3(88, "/etc/passwd", "/w/link", 0));
    tell("mkdir", sys3(83, "/w/folder", 0755, 0));
    tell("create", sys6(257, -100, (long)"/w/created", 0102, 0644, 0, 0) < 0);
    long mapped_file = sys6(257, -100, (long)"/w/mapped", 0, 0, 0, 0);
    /* Shared and writable of a file that was opened for reading only. */
    long mapped = sys6(NR_mmap, 0, 4096, 3, 1, mapped_file, 0);
    tell("map", mapped);
    long readable = sys6(NR_mmap, 0, 4096, 1, 1, mapped_file, 0);
    if (readable > 0) {
        long made = sys3(NR_mprotect, readable, 4096, 3);
        tell("protect", made);
        if (made == 0) *(volatile char *)readable = 'X';
    }
    /* The same past the guest kernel: by host calls on every descriptor that it holds. */
    take_kernel_calls();
    for (long host = 0; host < 64; host++) {
        long at = kernel_call(NR_mmap, 0, 4096, 3, 1 /* MAP_SHARED */, host, 0);
        if (at > 4096) {
            *(volatile char *)at = 'X';
            tell("wrote through a descriptor", host);
        }
        /* Nonsense on the control socket is another deed. */
        if (host > 3 && host != CONTROL_FD) kernel_call3(NR_write, host, "written by a host call\n", 23);
    }
    say("changed all\n");
    return 0;
}
