/* access and faccessat say what is there.
 * test: variants dynamic musl
 */
#include "test.h"
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x");
    CALL(access("file", F_OK));
    CALL(access("file", R_OK | W_OK));
    CALL(chmod("file", 0644));
    CALL(access("file", X_OK));
    CALL(chmod("file", 0755));
    CALL(access("file", X_OK));
    CALL(access("absent", F_OK));
    CALL(access("file/x", F_OK));
    CALL(access("file", 99));
    CALL(access("/usr/bin/env", X_OK));
    CALL(access("/usr", R_OK | X_OK));
    CALL(faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS));
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    CALL(faccessat(dir, "file", R_OK, 0));
    CALL(faccessat(77, "file", R_OK, 0));
    CALL(faccessat(77, "/usr", R_OK, 0));
    CALL(unlink("file"));
    test_remove_scratch_directory();
    return 0;
}
