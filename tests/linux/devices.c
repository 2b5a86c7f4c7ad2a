/* /dev/null, zero, full; /dev/stdout and /dev/fd. */
#include "test.h"
#include <sys/ioctl.h>
int main(void) {
    char text[64];
    memset(text, 1, sizeof text);
    int null = MUST(open("/dev/null", O_RDWR)), zero = MUST(open("/dev/zero", O_RDWR)), full = MUST(open("/dev/full", O_RDWR));
    CALL(read(null, text, 10));
    CALL(write(null, text, 10));
    CALL(lseek(null, 5, SEEK_SET));
    CALL(read(zero, text, 10));
    YES(text[0] == 0 && text[9] == 0 && text[10] == 1);
    CALL(write(zero, text, 10));
    CALL(write(full, text, 10));
    CALL(read(full, text, 20));
    YES(text[19] == 0);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    YES(map != MAP_FAILED && map[100] == 0);
    map[100] = 1;
    CALL(isatty(null));
    CALL(ioctl(null, TIOCGWINSZ, text));
    CALL(ioctl(null, 0x12345678, text));
    CALL(isatty(77));
    CALL(access("/dev/fd/1", F_OK));
    CALL(access("/dev/shm", W_OK));
    DOES(open("/dev/absent", O_RDONLY));
    struct stat s;
    CALL(stat("/dev/zero", &s));
    YES(S_ISCHR(s.st_mode) && s.st_rdev == ((1 << 8) | 5));
    fflush(stdout);
    int out = open("/dev/stdout", O_WRONLY);
    YES(out >= 0);
    return 0;
}
