/* Files of the system can be read, sought and mapped. */
#include "test.h"
static unsigned long sum(const unsigned char *bytes, size_t count) {
    unsigned long total = 0;
    for (size_t i = 0; i < count; i++) total = total * 31 + bytes[i];
    return total;
}
int main(void) {
    static unsigned char buffer[1 << 16];
    struct stat s;
    int fd = MUST(open("/usr/bin/env", O_RDONLY));
    CALL(fstat(fd, &s));
    YES(S_ISREG(s.st_mode) && s.st_size > 10000);
    printf("size %ld mode %o\n", (long)s.st_size, s.st_mode & 07777);
    unsigned long total = 0, bytes = 0;
    for (ssize_t n; (n = read(fd, buffer, 4096)) > 0; bytes += n) total = total * 7 + sum(buffer, n);
    printf("read %lu bytes, sum %lx\n", bytes, total);
    unsigned char *map = mmap(NULL, s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    YES(map != MAP_FAILED);
    YES(memcmp(map, "\177ELF", 4) == 0);
    CALL(pread(fd, buffer, 512, 4096));
    YES(memcmp(map + 4096, buffer, 512) == 0);
    CALL(close(fd));
    printf("mapped sum %lx\n", sum(map, s.st_size));
    CALL(munmap(map, s.st_size));
    FILE *passwd = fopen("/etc/passwd", "r");
    char line[256];
    YES(passwd && fgets(line, sizeof line, passwd) && strncmp(line, "root:", 5) == 0);
    CALL(open("/usr/bin/absent-for-sure", O_RDONLY));
    CALL(readlink("/proc/self/exe", line, 0));
    return 0;
}
