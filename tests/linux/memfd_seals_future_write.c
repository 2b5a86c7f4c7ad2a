/* F_SEAL_FUTURE_WRITE: what is mapped goes on, new writers are refused. */
#include "fault.h"
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
int main(void) {
    fault_catch();
    int fd = MUST(memfd_create("m", MFD_ALLOW_SEALING));
    CALL(ftruncate(fd, PAGE));
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    CALL(fcntl(fd, F_GET_SEALS));
    WRITE(shared, 7);
    CALL(write(fd, "x", 1));
    MAPS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    char *reading = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    READ(reading);
    CALL(mprotect(reading, PAGE, PROT_READ | PROT_WRITE));
    MAPS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    CALL(mprotect(shared, PAGE, PROT_READ));
    CALL(mprotect(shared, PAGE, PROT_READ | PROT_WRITE));
    WRITE(shared, 8);
    return 0;
}
