/* memfd_create: flags and names it refuses; what a memory file is otherwise. */
#include "test.h"
int main(void) {
    char name[251], link[64], target[300] = "";
    memset(name, 'n', sizeof name);
    name[249] = 0;
    DOES(memfd_create(name, 0));
    name[249] = 'n', name[250] = 0;
    DOES(memfd_create(name, 0));
    DOES(memfd_create("x", 0x20));
    DOES(memfd_create("x", 0x80000000));
    DOES(memfd_create(NULL, 0));
    DOES(memfd_create((char *)1, 0));
    DOES(memfd_create("", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    DOES(memfd_create("x", 0x8 | 0x10));
    int fd = MUST(memfd_create("a name/with a slash", MFD_CLOEXEC));
    CALL(fcntl(fd, F_GETFD));
    CALL(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
    sprintf(link, "/proc/self/fd/%d", fd);
    CALL(readlink(link, target, sizeof target - 1));
    puts(target);
    struct stat st;
    CALL(fstat(fd, &st));
    printf("%o %ld %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
    CALL(write(fd, "hello", 5));
    int again = MUST(open(link, O_RDONLY));
    char text[8] = "";
    CALL(read(again, text, 8));
    puts(text);
    CALL(write(again, "x", 1));
    CALL(lseek(fd, 0, SEEK_CUR));
    return 0;
}
