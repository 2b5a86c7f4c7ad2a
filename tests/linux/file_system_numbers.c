/* statfs and fstatfs: what must hold of the numbers, and refusals. */
#include "test.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
static void check(const char *what, int result, struct statfs *f) {
    if (result) { printf("%s: %s\n", what, test_errno_name(errno)); return; }
    printf("%s: block %d name %ld free-fits %d available-fits %d\n", what, f->f_bsize > 0, (long)f->f_namelen, f->f_bfree <= f->f_blocks, f->f_bavail <= f->f_bfree);
}
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x");
    struct statfs f;
    struct statvfs v;
    check("here", statfs(".", &f), &f);
    check("file", statfs("file", &f), &f);
    check("proc", statfs("/proc", &f), &f);
    printf("type %lx\n", (long)f.f_type);
    check("shm", statfs("/dev/shm", &f), &f);
    printf("type %lx\n", (long)f.f_type);
    check("absent", statfs("absent", &f), &f);
    check("below", statfs("file/x", &f), &f);
    check("empty", statfs("", &f), &f);
    check("wild", statfs((char *)8, &f), &f);
    check("wild result", syscall(SYS_statfs, ".", (void *)8), &f);
    check("closed", fstatfs(77, &f), &f);
    check("open", fstatfs(open("file", O_RDONLY), &f), &f);
    check("path", fstatfs(open("file", O_PATH), &f), &f);
    CALL(statvfs(".", &v));
    YES(v.f_frsize > 0 && v.f_namemax == 255);
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
