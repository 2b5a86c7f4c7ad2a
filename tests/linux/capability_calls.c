/* capget and capset: versions, whom, and what can't be gained; ambient and bounding sets, secure bits.
 * test: needs root
 */
#include "test.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
struct both { struct __user_cap_header_struct header; struct __user_cap_data_struct data[2]; };
static long get(struct both *b) { return syscall(SYS_capget, &b->header, b->data); }
static long set(struct both *b) { return syscall(SYS_capset, &b->header, b->data); }
static void show(void) {
    struct both b = {{_LINUX_CAPABILITY_VERSION_3, 0}, {{0, 0, 0}}};
    MUST(get(&b));
    /* The host may have less than all. */
    unsigned mask = 1u << CAP_KILL | 1u << CAP_SETUID | 1u << CAP_SETPCAP;
    printf("  effective %x permitted %x inheritable %x\n", b.data[0].effective & mask, b.data[0].permitted & mask, b.data[0].inheritable & mask);
}
int main(void) {
    struct both b = {{0, 0}, {{0, 0, 0}}};
    show();
    CALL(get(&b));
    YES(b.header.version == _LINUX_CAPABILITY_VERSION_3);
    b.header.version = 1;
    CALL(syscall(SYS_capget, &b.header, NULL));
    YES(b.header.version == _LINUX_CAPABILITY_VERSION_3);
    CALL(syscall(SYS_capget, &b.header, NULL));
    CALL(syscall(SYS_capget, NULL, b.data));
    CALL(syscall(SYS_capget, &b.header, 8));
    b.header.pid = -1;
    CALL(get(&b));
    CALL(syscall(SYS_capget, &b.header, NULL));
    b.header.pid = 0x3ffffff0;
    CALL(get(&b));
    b.header.pid = getpid();
    CALL(get(&b));
    CALL(set(&b));
    b.header.pid = getppid();
    CALL(set(&b));
    b.header.pid = 0;
    CALL(syscall(SYS_capset, &b.header, 8));
    CALL(syscall(SYS_capset, NULL, b.data));
    b.header.version = 7;
    CALL(set(&b));
    MUST(get(&b));
    b.data[0].effective &= ~(1u << CAP_KILL);
    CALL(set(&b));
    show();
    b.data[0].inheritable |= 1u << CAP_KILL;
    CALL(set(&b));
    show();
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 1, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    b.data[0].permitted &= ~(1u << CAP_KILL);
    CALL(set(&b));
    show();
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    b.data[0].permitted |= 1u << CAP_KILL;
    CALL(set(&b));
    CALL(prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0));
    CALL(prctl(PR_CAPBSET_READ, 99, 0, 0, 0));
    CALL(prctl(PR_CAPBSET_DROP, 99, 0, 0, 0));
    CALL(prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0));
    CALL(prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0));
    CALL(prctl(PR_SET_SECUREBITS, 1 << 20, 0, 0, 0));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS, 0, 0, 0));
    CALL(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
    CALL(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP_LOCKED, 0, 0, 0));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
    CALL(seteuid(1000));
    show();
    CALL(seteuid(0));
    b.header.pid = 0;
    MUST(get(&b));
    b.data[0].effective &= ~(1u << CAP_SETPCAP), b.data[0].permitted &= ~(1u << CAP_SETPCAP);
    CALL(set(&b));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
    CALL(prctl(PR_CAPBSET_DROP, CAP_SETUID, 0, 0, 0));
    return 0;
}
