/* rename of directories and over directories. */
#include "test.h"
static int links(const char *path) {
    struct stat s;
    return stat(path, &s) ? -1 : (int)s.st_nlink;
}
int main(void) {
    test_scratch_directory();
    MUST(mkdir("a", 0755)), MUST(mkdir("a/b", 0755)), MUST(mkdir("a/b/c", 0755)), MUST(mkdir("empty", 0755)), MUST(mkdir("full", 0755));
    test_write_file("full/f", "x"), test_write_file("file", "y"), test_write_file("a/b/c/deep", "z");
    CALL(rename("a", "a/b/new"));
    CALL(rename("a", "a"));
    CALL(rename("a", "a/new"));
    CALL(rename("a/b", "a"));
    CALL(rename("a/b/c", "a"));
    CALL(rename("a", "full"));
    CALL(rename("file", "empty"));
    CALL(rename("empty", "file"));
    CALL(rename("a", "empty"));
    printf("links %d %d\n", links("empty"), links("."));
    CALL(access("empty/b/c/deep", F_OK));
    CALL(rename("empty/b", "b"));
    printf("links %d %d %d\n", links("empty"), links("."), links("b"));
    CALL(rename("b/c/deep", "file"));
    CALL(rename("file", "b/c/.."));
    CALL(rename("b/.", "x"));
    CALL(rename("b/..", "x"));
    CALL(rename(".", "x"));
    CALL(rename("/", "x"));
    CALL(rename("file", "/"));
    CALL(rename("file", "."));
    CALL(rename("absent", "file"));
    CALL(rename("file", "absent/x"));
    CALL(rename("file", "file/x"));
    CALL(rename("b/c", "empty/"));
    CALL(rename("empty", "b/moved/"));
    CALL(rename("", "x"));
    CALL(rename("file", ""));
    struct stat before, after;
    CALL(link("file", "same"));
    CALL(rename("file", "same"));
    CALL(access("file", F_OK));
    CALL(stat("file", &before));
    printf("links %d\n", (int)before.st_nlink);
    CALL(rename("/proc/self", "x"));
    CALL(rename("file", "/proc/x"));
    CALL(rename("file", "/dev/shm/catalyzer-rename-x"));
    CALL(rename("/proc", "x"));
    unlink("full/f"), unlink("same"), unlink("file"), rmdir("full"), rmdir("b/moved"), rmdir("b/c"), rmdir("b"), rmdir("empty");
    test_remove_scratch_directory();
    return 0;
}
