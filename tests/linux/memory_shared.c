/* Shared mappings, anonymous and of files in /tmp: one memory, seen by read and write too. */
#include "test.h"
int main(void) {
    char text[16] = "";
    test_scratch_directory();
    char *anonymous = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    YES(anonymous != MAP_FAILED);
    anonymous[3 * PAGE] = 9;
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0600));
    CALL(ftruncate(fd, 2 * PAGE));
    char *one = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *two = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    char *own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    YES(one != MAP_FAILED && two != MAP_FAILED && own != MAP_FAILED);
    strcpy(one + PAGE, "shared");
    puts(two);
    CALL(pread(fd, text, 7, PAGE));
    puts(text);
    CALL(pwrite(fd, "WRITTEN", 8, PAGE));
    puts(two);
    puts(one + PAGE);
    own[PAGE] = 'w';
    puts(own + PAGE);
    puts(one + PAGE);
    CALL(msync(one, 2 * PAGE, MS_SYNC));
    CALL(close(fd));
    strcpy(one, "after close");
    fd = MUST(open("file", O_RDONLY));
    CALL(read(fd, text, 12));
    puts(text);
    YES(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
    YES(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    YES(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 5) == MAP_FAILED && errno == EINVAL);
    CALL(munmap(two, PAGE));
    CALL(munmap(one, 2 * PAGE));
    CALL(lseek(fd, 0, SEEK_END));
    CALL(unlink("file"));
    puts(own + PAGE);
    test_remove_scratch_directory();
    return 0;
}
