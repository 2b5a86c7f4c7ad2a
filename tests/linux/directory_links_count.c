/* Link counts of directories, their `..`, and sizes of listings as names come and go. */
#include "test.h"
#include <dirent.h>
static int links(const char *path) { struct stat s; return stat(path, &s) ? -1 : (int)s.st_nlink; }
static int names(const char *path) {
    DIR *dir = opendir(path);
    int count = 0;
    while (dir && readdir(dir)) count++;
    if (dir) closedir(dir);
    return count;
}
int main(void) {
    test_scratch_directory();
    MUST(mkdir("p", 0755));
    for (int i = 0; i < 20; i++) {
        char name[32];
        sprintf(name, i % 2 ? "p/dir%d" : "p/file%d", i);
        if (i % 2) MUST(mkdir(name, 0755)); else test_write_file(name, "");
        printf("%d/%d ", links("p"), names("p"));
    }
    printf("\n");
    struct stat up, parent;
    stat("p/dir1/..", &up), stat("p", &parent);
    YES(up.st_ino == parent.st_ino);
    MUST(mkdir("q", 0755)), MUST(rename("p/dir1", "q/dir1"));
    stat("q/dir1/..", &up), stat("q", &parent);
    YES(up.st_ino == parent.st_ino);
    printf("%d %d\n", links("p"), links("q"));
    MUST(syscall(SYS_renameat2, AT_FDCWD, "q/dir1", AT_FDCWD, "p/file0", 2));
    printf("%d %d\n", links("p"), links("q"));
    unlink("q/dir1"), rmdir("p/file0"), rmdir("q");
    for (int i = 0; i < 20; i++) {
        char name[32];
        sprintf(name, i % 2 ? "p/dir%d" : "p/file%d", i);
        if (unlink(name)) rmdir(name);
        printf("%d/%d ", links("p"), names("p"));
    }
    printf("\n");
    rmdir("p");
    test_remove_scratch_directory();
    return 0;
}
