/* Record locks between processes: not inherited, gone with any close and with the process; flock is shared.
 */
#include "test.h"
#include <sys/file.h>
#include <sys/wait.h>
static int set(int fd, int command, int type, off_t start, off_t len) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(fd, command, &lock) ? -errno : 0;
}
static int in_child(int (*what)(void)) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(what() & 127);
    int status;
    MUST(waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
static int fd;
static int try_write(void) { return -set(fd, F_SETLK, F_WRLCK, 0, 10); }
static int try_read(void) { return -set(fd, F_SETLK, F_RDLCK, 0, 10); }
static int who_holds(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(fd, F_GETLK, &lock);
    return lock.l_type == F_UNLCK ? 100 : lock.l_pid == getppid() ? lock.l_type : 50;
}
static int unlock(void) { return -set(fd, F_SETLK, F_UNLCK, 0, 0); }
static int own_flock(void) { int other = open("file", O_RDWR); return flock(other, LOCK_EX | LOCK_NB) ? errno : 0; }
static int inherited_flock(void) { return flock(fd, LOCK_EX | LOCK_NB) ? errno : 0; }
static int release_flock(void) { return flock(fd, LOCK_UN) ? errno : 0; }
static int ofd(void) { int r = set(fd, F_OFD_SETLK, F_WRLCK, 0, 1); return -r; }
int main(void) {
    test_scratch_directory();
    test_write_file("file", "x");
    fd = MUST(open("file", O_RDWR));
    CALL(set(fd, F_SETLK, F_WRLCK, 0, 5));
    CALL(in_child(try_write) == EAGAIN);
    CALL(in_child(try_read) == EAGAIN);
    CALL(in_child(who_holds));
    CALL(in_child(unlock));
    CALL(in_child(who_holds));
    CALL(set(fd, F_SETLK, F_RDLCK, 0, 5));
    CALL(in_child(try_read));
    CALL(in_child(try_write) == EAGAIN);
    CALL(in_child(who_holds));
    close(open("file", O_RDONLY));
    CALL(in_child(who_holds));
    CALL(in_child(try_write));
    CALL(set(fd, F_SETLK, F_WRLCK, 0, 5));
    CALL(close(dup(fd)));
    CALL(in_child(who_holds));
    CALL(set(fd, F_SETLK, F_WRLCK, 0, 5));
    int other = open("/dev/null", O_RDONLY), copy = dup(fd);
    CALL(dup2(other, copy) == copy);
    CALL(in_child(who_holds));
    CALL(flock(fd, LOCK_EX));
    CALL(in_child(own_flock) == EAGAIN);
    CALL(in_child(inherited_flock));
    CALL(in_child(release_flock));
    CALL(in_child(own_flock));
    CALL(set(fd, F_OFD_SETLK, F_WRLCK, 0, 1));
    CALL(in_child(ofd));
    CALL(in_child(try_write) == EAGAIN);
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
