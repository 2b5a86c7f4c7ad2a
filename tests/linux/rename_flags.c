/* renameat2: NOREPLACE, EXCHANGE, WHITEOUT. */
#include "test.h"
static long rename2(const char *from, const char *to, unsigned flags) { return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags); }
static char read_one(const char *path) {
    char c = '?';
    int fd = open(path, O_RDONLY);
    read(fd, &c, 1), close(fd);
    return c;
}
int main(void) {
    test_scratch_directory();
    test_write_file("a", "a"), test_write_file("b", "b");
    MUST(mkdir("d", 0755)), MUST(mkdir("d/inner", 0755)), test_write_file("d/x", "x");
    struct stat s;
    CALL(rename2("a", "b", 1));
    CALL(rename2("a", "a", 1));
    CALL(rename2("a", "c", 1));
    CALL(rename2("c", "a", 1));
    CALL(rename2("a", "b", 2));
    printf("%c %c\n", read_one("a"), read_one("b"));
    CALL(rename2("a", "absent", 2));
    CALL(rename2("absent", "a", 2));
    CALL(rename2("a", "d", 2));
    printf("%c\n", read_one("d"));
    CALL(access("a/x", F_OK));
    CALL(rename2("a", "d", 2));
    CALL(rename2("d", "d/inner", 2));
    CALL(rename2("d/inner", "d", 2));
    CALL(rename2("d/inner", "a", 2));
    CALL(stat("d", &s));
    printf("links %d\n", (int)s.st_nlink);
    CALL(stat(".", &s));
    printf("links %d\n", (int)s.st_nlink);
    CALL(rename2("d/inner", "a", 2));
    CALL(rename2("a", "a", 2));
    CALL(rename2("a", "b", 3));
    CALL(rename2("a", "b", 6));
    CALL(rename2("a", "b", 8));
    CALL(rename2("a", "b", 0x80000000));
    CALL(rename2("d", "e", 1));
    CALL(rename2("e", "a", 1));
    CALL(rename2("e/", "f/", 1));
    CALL(rename2("a/", "b", 2));
    CALL(rename2("a", "b/", 2));
    CALL(rename2("f/", "b", 2));
    CALL(rename2("b/", "f", 2));
    CALL(rename2(".", "b", 1));
    CALL(rename2(".", "b", 2));
    CALL(rename2("b", ".", 1));
    CALL(rename2("b", "..", 2));
    unlink("a"), unlink("b"), unlink("f"), unlink("f/x"), rmdir("f/inner"), unlink("b/x"), rmdir("b/inner"), rmdir("f"), rmdir("b");
    test_remove_scratch_directory();
    return 0;
}
