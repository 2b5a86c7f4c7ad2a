/* How long names and paths may be, and how many links a path may pass. */
#include "test.h"
static char *repeat(const char *piece, size_t count, const char *end) {
    static char buffer[40000];
    buffer[0] = 0;
    size_t len = strlen(piece), at = 0;
    for (size_t i = 0; i < count; i++, at += len) memcpy(buffer + at, piece, len + 1);
    strcpy(buffer + at, end);
    return buffer;
}
int main(void) {
    test_scratch_directory();
    test_write_file("f", "x");
    struct stat s;
    char out[5000];
    CALL(mkdir(repeat("n", 255, ""), 0755));
    CALL(rmdir(repeat("n", 255, "")));
    CALL(mkdir(repeat("n", 256, ""), 0755));
    CALL(stat(repeat("n", 256, ""), &s));
    CALL(stat(repeat("n", 256, "/x"), &s));
    CALL(symlink(repeat("n", 256, ""), "long"));
    CALL(stat("long", &s));
    CALL(unlink("long"));
    CALL(stat(repeat("./", 2046, "f"), &s));
    CALL(stat(repeat("./", 2047, "f"), &s));
    CALL(stat(repeat("./", 2047, "ff"), &s));
    CALL(stat(repeat("/", 4094, "f"), &s));
    CALL(symlink(repeat("./", 2047, ""), "l"));
    CALL(readlink("l", out, sizeof out));
    CALL(stat("l", &s));
    CALL(unlink("l"));
    CALL(symlink(repeat("./", 2047, "f"), "l"));
    CALL(stat("l", &s));
    CALL(unlink("l"));
    CALL(symlink(repeat("./", 2048, ""), "l"));
    CALL(symlink("", "l"));
    CALL(symlink("x", ""));
    /* A chain of links: 40 may be followed. */
    symlink("f", "c0");
    for (int i = 1; i < 45; i++) {
        char from[8], to[8];
        sprintf(from, "c%d", i - 1), sprintf(to, "c%d", i);
        symlink(from, to);
    }
    CALL(stat("c38", &s));
    CALL(stat("c39", &s));
    CALL(stat("c40", &s));
    CALL(stat("c41", &s));
    CALL(lstat("c44", &s));
    CALL(open("c40", O_RDONLY | O_CREAT, 0600));
    CALL(rename("c44", "c45"));
    for (int i = 0; i < 46; i++) {
        char name[8];
        sprintf(name, "c%d", i);
        unlink(name);
    }
    /* Links on the way count, too. */
    MUST(mkdir("d", 0755));
    MUST(symlink(".", "d/s"));
    CALL(stat(strcat(strcpy(out, "d/"), repeat("s/", 39, "")), &s));
    CALL(stat(strcat(strcpy(out, "d/"), repeat("s/", 40, "")), &s));
    CALL(stat(strcat(strcpy(out, "d/"), repeat("s/", 41, "")), &s));
    CALL(stat(strcat(strcpy(out, "d/"), repeat("s/", 40, "s")), &s));
    CALL(lstat(strcat(strcpy(out, "d/"), repeat("s/", 40, "s")), &s));
    unlink("d/s"), rmdir("d"), unlink("f");
    test_remove_scratch_directory();
    return 0;
}
