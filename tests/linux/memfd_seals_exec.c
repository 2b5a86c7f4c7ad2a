/* MFD_NOEXEC_SEAL and F_SEAL_EXEC: the execute bits stay as they are. */
#include "test.h"
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 0x10U
#endif
#define F_SEAL_EXEC_ 0x20
static void show(int fd) {
    struct stat st;
    fstat(fd, &st);
    printf("%o, seals %x\n", st.st_mode, fcntl(fd, F_GET_SEALS));
}
int main(void) {
    int fd = MUST(memfd_create("m", MFD_NOEXEC_SEAL));
    show(fd);
    CALL(fchmod(fd, 0700));
    CALL(fchmod(fd, 0600));
    CALL(fchmod(fd, 0644));
    show(fd);
    fd = MUST(memfd_create("m", MFD_EXEC | MFD_ALLOW_SEALING));
    show(fd);
    CALL(fchmod(fd, 0755));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC_));
    show(fd);
    CALL(fchmod(fd, 0644));
    CALL(fchmod(fd, 0711));
    show(fd);
    return 0;
}
