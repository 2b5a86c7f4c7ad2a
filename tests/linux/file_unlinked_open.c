/* A file without name lives as long as it is open, however it lost the name. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    struct stat s;
    char out[32];
    test_write_file("a", "first"), test_write_file("b", "second");
    int a = MUST(open("a", O_RDWR)), b = MUST(open("b", O_RDWR));
    CALL(rename("a", "b"));
    CALL(fstat(b, &s)), printf("links %d\n", (int)s.st_nlink);
    CALL(pread(b, out, 32, 0));
    CALL(write(b, "SECOND and more", 15));
    CALL(fstat(b, &s)), printf("size %ld\n", (long)s.st_size);
    CALL(fchmod(b, 0400));
    CALL(ftruncate(b, 3));
    CALL(unlink("b"));
    CALL(fstat(a, &s)), printf("links %d\n", (int)s.st_nlink);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
    map[0] = 'F';
    CALL(close(a));
    printf("%.5s\n", map);
    char path[64];
    sprintf(path, "/proc/self/fd/%d", b);
    int again = MUST(open(path, O_RDONLY));
    CALL(read(again, out, 32)), printf("%.3s\n", out);
    test_write_file("b", "new");
    CALL(pread(b, out, 32, 0));
    CALL(stat(path, &s)), printf("size %ld links %d\n", (long)s.st_size, (int)s.st_nlink);
    MUST(mkdir("d", 0755)), test_write_file("d/inner", "x");
    int d = MUST(open("d", O_RDONLY)), inner = MUST(openat(d, "inner", O_RDONLY));
    unlink("d/inner"), rmdir("d");
    CALL(read(inner, out, 1));
    CALL(openat(d, "inner", O_RDONLY));
    CALL(fstat(d, &s)), printf("links %d\n", (int)s.st_nlink);
    CALL(mkdirat(d, "x", 0755));
    CALL(fchmod(d, 0700));
    unlink("b");
    test_remove_scratch_directory();
    return 0;
}
