/* shm_open and memfd_create. */
#include "test.h"
int main(void) {
    char name[64];
    snprintf(name, sizeof name, "/catalyzer-test-%d", getpid());
    int fd = DOES(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    CALL(ftruncate(fd, PAGE));
    char *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int again = DOES(shm_open(name, O_RDWR, 0));
    char *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
    YES(a != MAP_FAILED && b != MAP_FAILED && a != b);
    strcpy(a, "the same");
    puts(b);
    CALL(shm_unlink(name));
    CALL(shm_open(name, O_RDWR, 0));
    int memory = DOES(memfd_create("memory", MFD_CLOEXEC));
    CALL(write(memory, "content", 7));
    char *c = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    puts(c);
    CALL(pwrite(memory, "C", 1, 0));
    puts(c);
    CALL(lseek(memory, 0, SEEK_END));
    return 0;
}
