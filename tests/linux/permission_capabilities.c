/* Root without single capabilities: DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, CHOWN, FSETID.
 * test: needs root
 */
#include "test.h"
#include <linux/capability.h>
#include <grp.h>
static void drop(int capability) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    MUST(syscall(SYS_capget, &header, data));
    data[0].effective = data[0].permitted;
    if (capability >= 0) data[0].effective &= ~(1u << capability);
    if (capability == 1) data[0].effective &= ~(1u << 2);
    if (capability == 100) data[0].effective = 0;
    MUST(syscall(SYS_capset, &header, data));
}
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(setgroups(0, NULL));
    MUST(chmod(".", 0777));
    test_write_file("file", "x"), MUST(mkdir("dir", 0777)), test_write_file("dir/inner", "y"), MUST(mkdir("sticky", 0777)), test_write_file("sticky/f", "z");
    MUST(chown("file", 1001, 2001)), MUST(chown("dir", 1001, 2001)), MUST(chown("sticky", 1001, 2001)), MUST(chown("sticky/f", 1001, 2001));
    static const int which[] = {-1, 0, 1, 2, 3, 4, 18, 27, 100};
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        drop(-1);
        MUST(chmod("file", 06711)), MUST(chmod("dir", 0700)), MUST(chmod("sticky", 01777));
        drop(which[i]);
        printf("without %d\n", which[i]);
        int fd;
        CALL(fd = open("file", O_RDONLY) < 0 ? -1 : 0);
        CALL(fd = open("file", O_WRONLY) < 0 ? -1 : 0);
        CALL(open("dir", O_RDONLY) < 0 ? -1 : 0);
        CALL(access("dir/inner", F_OK));
        CALL(open("dir/new", O_CREAT | O_WRONLY, 0600) < 0 ? -1 : 0);
        CALL(unlink("dir/new"));
        CALL(rename("sticky/f", "sticky/g"));
        CALL(rename("sticky/g", "sticky/f"));
        CALL(utimensat(AT_FDCWD, "file", (struct timespec[2]){{1, 0}, {1, 0}}, 0));
        CALL(utimensat(AT_FDCWD, "file", NULL, 0));
        CALL(truncate("file", 1));
        struct stat s;
        stat("file", &s);
        printf("mode %o\n", s.st_mode & 07777);
        CALL(chmod("file", 06711));
        stat("file", &s);
        printf("mode %o\n", s.st_mode & 07777);
        CALL(chown("file", 1001, 2001));
        CALL(open("sticky/f", O_RDONLY | O_NOATIME) < 0 ? -1 : 0);
        CALL(link("file", "linked"));
        CALL(unlink("linked"));
        for (fd = 3; fd < 20; fd++) close(fd);
    }
    drop(-1);
    unlink("file"), unlink("dir/inner"), unlink("sticky/f"), rmdir("dir"), rmdir("sticky");
    test_remove_scratch_directory();
    return 0;
}
