/* /dev/ptmx and /dev/pts: locks, names, nodes, peers, exclusive use, what is gone with the master. */
#include "tty.h"
#include <dirent.h>
#include <sys/sysmacros.h>
int main(void) {
    char name[64], second[64];
    struct stat st;
    int n, master = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    CALL(fcntl(master, F_GETFD));
    CALL(ptsname_r(master, name, sizeof name));
    CALL(strncmp(name, "/dev/pts/", 9));
    CALL(open(name, O_RDWR | O_NOCTTY));
    CALL(ioctl(master, TIOCGPTLCK, &n));
    CALL(n);
    CALL(unlockpt(master));
    CALL(ioctl(master, TIOCGPTLCK, &n));
    CALL(n);
    int own = MUST(open(name, O_RDWR | O_NOCTTY));
    CALL(ioctl(master, TIOCGPTN, &n));
    CALL(atoi(name + 9) == n);
    CALL(stat(name, &st));
    CALL(S_ISCHR(st.st_mode) && major(st.st_rdev) == 136 && minor(st.st_rdev) == (unsigned)n);
    CALL(fstat(master, &st));
    CALL(S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2));
    CALL(ttyname_r(own, second, sizeof second));
    CALL(strcmp(name, second));
    int peer = CALL(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY) > 0);
    (void)peer;
    CALL(ptsname_r(own, second, sizeof second) == ENOTTY);
    CALL(ioctl(own, TIOCEXCL));
    CALL(ioctl(own, TIOCGEXCL, &n));
    CALL(n);
    CALL(ioctl(own, TIOCNXCL));
    int found = 0;
    DIR *dir = opendir("/dev/pts");
    for (struct dirent *e; (e = readdir(dir));) found += !strcmp(e->d_name, name + 9);
    CALL(found);
    CALL(closedir(dir));
    CALL(close(master));
    CALL(access(name, F_OK));
    CALL(open(name, O_RDWR | O_NOCTTY));
    CALL(open("/dev/pts/999999", O_RDWR | O_NOCTTY));
    CALL(open("/dev/pts/x", O_RDWR | O_NOCTTY));
    return 0;
}
