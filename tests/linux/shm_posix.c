/* POSIX shared memory objects in /dev/shm: names, mappings, what outlives shm_unlink. */
#include "fault.h"
int main(void) {
    fault_catch();
    char name[64], path[80];
    sprintf(name, "/catalyzer-test-%d", (int)getpid());
    sprintf(path, "/dev/shm%s", name);
    shm_unlink(name);
    CALL(shm_open(name, O_RDWR, 0600));
    int fd = MUST(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640));
    CALL(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
    CALL(fcntl(fd, F_GETFD));
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    READ(p);
    CALL(ftruncate(fd, PAGE));
    READ(p);
    struct stat st;
    CALL(stat(path, &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    int again = MUST(shm_open(name, O_RDONLY, 0));
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, again, 0);
    p[5] = 55;
    READ(q + 5);
    MAPS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0));
    CALL(shm_unlink(name));
    CALL(shm_unlink(name));
    CALL(shm_open(name, O_RDONLY, 0));
    WRITE(p, 3);
    READ(q);
    CALL(ftruncate(fd, 0));
    READ(q);
    CALL(ftruncate(again, PAGE));
    CALL(shm_open("/no/such", O_RDWR | O_CREAT, 0600));
    CALL(shm_open("/", O_RDWR | O_CREAT, 0600));
    return 0;
}
