/* access asks for the real user, faccessat with AT_EACCESS for the effective one.
 * test: needs root
 */
#include "test.h"
int main(void) {
    umask(0);
    test_scratch_directory();
    MUST(chmod(".", 0755));
    test_write_file("file", "x"), MUST(mkdir("dir", 0700)), test_write_file("dir/inner", "y");
    for (int step = 0; step < 3; step++) {
        if (step == 1) MUST(setresuid(1001, 0, 0));
        if (step == 2) MUST(setresuid(0, 1001, 0));
        printf("real %d effective %d\n", getuid(), geteuid());
        for (int mode = 0; mode < 8; mode++) {
            seteuid(0);
            MUST(chmod("file", mode << 6));
            if (step == 2) seteuid(1001);
            printf("%d:", mode);
            for (int ask = 0; ask < 8; ask++)
                printf(" %s/%s", access("file", ask) ? test_errno_name(errno) : "ok",
                    syscall(SYS_faccessat2, AT_FDCWD, "file", ask, AT_EACCESS) ? test_errno_name(errno) : "ok");
            printf("\n");
        }
        CALL(access("dir/inner", F_OK));
        CALL(syscall(SYS_faccessat2, AT_FDCWD, "dir/inner", F_OK, AT_EACCESS));
    }
    CALL(setresuid(0, 0, 0));
    CALL(access("file", 8));
    CALL(access("file", -1));
    CALL(syscall(SYS_faccessat2, AT_FDCWD, "file", 0, 1));
    CALL(access("absent", F_OK));
    CALL(access("", F_OK));
    CALL(access("file/", F_OK));
    CALL(access((char *)8, F_OK));
    unlink("file"), unlink("dir/inner"), rmdir("dir");
    test_remove_scratch_directory();
    return 0;
}
