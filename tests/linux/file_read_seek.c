/* read, write, lseek, pread and pwrite keep the offsets they should.
 * test: variants dynamic static musl
 */
#include "test.h"
int main(void) {
    char text[64] = "";
    test_scratch_directory();
    int fd = MUST(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
    CALL(write(fd, "0123456789", 10));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(lseek(fd, 3, SEEK_SET));
    CALL(read(fd, text, 4));
    printf("%.4s\n", text);
    CALL(lseek(fd, -2, SEEK_CUR));
    CALL(lseek(fd, -1, SEEK_SET));
    CALL(lseek(fd, 0, 99));
    CALL(pread(fd, text, 3, 7));
    printf("%.3s\n", text);
    CALL(pread(fd, text, 3, 10));
    CALL(pread(fd, text, 3, -1));
    CALL(pwrite(fd, "XY", 2, 1));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(lseek(fd, 5, SEEK_END));
    CALL(write(fd, "!", 1));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(read(fd, text, sizeof text));
    for (int i = 0; i < 16; i++) printf("%02x ", (unsigned char)text[i]);
    puts("");
    CALL(read(fd, text, sizeof text));
    CALL(read(fd, text, 0));
    CALL(unlink("file"));
    CALL(pread(fd, text, 2, 0));
    CALL(close(fd));
    CALL(close(fd));
    CALL(read(fd, text, 1));
    test_remove_scratch_directory();
    return 0;
}
