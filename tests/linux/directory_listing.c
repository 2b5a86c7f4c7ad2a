/* readdir lists everything once, rewinds, and tells types. */
#include "test.h"
#include <dirent.h>
static int by_name(const void *a, const void *b) { return strcmp(a, b); }
int main(void) {
    char name[64], seen[600][32];
    test_scratch_directory();
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "entry-%03d", i);
        test_write_file(name, "");
    }
    MUST(mkdir("directory", 0755));
    MUST(symlink("entry-000", "link"));
    DIR *dir = opendir(".");
    for (int round = 0; round < 2; round++, rewinddir(dir)) {
        int count = 0, directory = -1, link = -1;
        for (struct dirent *e; (e = readdir(dir));) {
            if (strcmp(e->d_name, "directory") == 0) directory = e->d_type;
            if (strcmp(e->d_name, "link") == 0) link = e->d_type;
            if (count < 600) strcpy(seen[count++], e->d_name);
        }
        YES(directory == DT_DIR || directory == DT_UNKNOWN);
        YES(link == DT_LNK || link == DT_UNKNOWN);
        qsort(seen, count, sizeof seen[0], by_name);
        printf("%d entries, from %s and %s to %s\n", count, seen[0], seen[1], seen[count - 1]);
        int twice = 0;
        for (int i = 1; i < count; i++) twice += strcmp(seen[i - 1], seen[i]) == 0;
        printf("%d twice\n", twice);
    }
    struct stat s;
    fstat(dirfd(dir), &s);
    YES(S_ISDIR(s.st_mode));
    CALL(read(dirfd(dir), name, 1));
    closedir(dir);
    YES(opendir("absent") == NULL && errno == ENOENT);
    YES(opendir("link") == NULL && errno == ENOTDIR);
    char small[8];
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    CALL(syscall(SYS_getdents64, fd, small, sizeof small));
    CALL(syscall(SYS_getdents64, 77, small, sizeof small));
    int file = open("link", O_RDONLY);
    CALL(syscall(SYS_getdents64, file, name, sizeof name));
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "entry-%03d", i);
        unlink(name);
    }
    CALL(rmdir("directory") | unlink("link"));
    test_remove_scratch_directory();
    return 0;
}
