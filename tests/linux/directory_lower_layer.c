/* A directory of the system is listed whole. */
#include "test.h"
#include <dirent.h>
int main(void) {
    int found = 0, count = 0, stat_fails = 0;
    DIR *dir = opendir("/usr/bin");
    YES(dir != NULL);
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat s;
        count++;
        found += strcmp(e->d_name, "env") == 0 || strcmp(e->d_name, "ls") == 0 || strcmp(e->d_name, ".") == 0;
        if (count % 16 == 0) stat_fails += fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0;
    }
    YES(count > 100);
    printf("entries %d, expected ones %d, unstatable %d\n", count, found, stat_fails);
    closedir(dir);
    dir = opendir("/");
    int usr = 0, tmp = 0, proc = 0, dev = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        usr += strcmp(e->d_name, "usr") == 0;
        tmp += strcmp(e->d_name, "tmp") == 0;
        proc += strcmp(e->d_name, "proc") == 0;
        dev += strcmp(e->d_name, "dev") == 0;
    }
    printf("usr %d tmp %d proc %d dev %d\n", usr, tmp, proc, dev);
    return 0;
}
