/* What changes of users do to capabilities, with and without PR_SET_KEEPCAPS.
 * test: needs root
 */
#include "test.h"
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
static void show(const char *when) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    MUST(syscall(SYS_capget, &header, data));
    unsigned mask = 1u << CAP_KILL | 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE;
    printf("%s: effective %x permitted %x\n", when, data[0].effective & mask, data[0].permitted & mask);
}
int main(void) {
    show("root");
    CALL(setfsuid(1000));
    show("fsuid 1000");
    CALL(setfsuid(0));
    show("fsuid 0");
    CALL(seteuid(1000));
    show("euid 1000");
    CALL(seteuid(0));
    show("euid 0");
    CALL(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    CALL(setresuid(1000, 1000, 1000));
    show("all 1000, kept");
    CALL(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    CALL(setuid(0));
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    MUST(syscall(SYS_capget, &header, data));
    data[0].effective = data[0].permitted;
    CALL(syscall(SYS_capset, &header, data));
    show("raised");
    CALL(setresuid(2000, 2000, 2000));
    show("all 2000");
    CALL(setresuid(0, 0, 0));
    show("all 0");
    CALL(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
    CALL(setresuid(1000, 1000, 1000));
    show("all 1000");
    return 0;
}
