/* A directory that changes while it is read: what was there all the time is seen once, what went before is not. */
#include "test.h"
#include <dirent.h>
static char *name_of(int i) {
    static char name[32];
    sprintf(name, "entry-%04d", i);
    return name;
}
int main(void) {
    test_scratch_directory();
    enum { COUNT = 3000 };
    for (int i = 0; i < COUNT; i++) close(open(name_of(i), O_CREAT | O_WRONLY, 0600));
    static int seen[COUNT], stable;
    DIR *dir = opendir(".");
    int read_entries = 0, removed = 0, others = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        int i;
        if (sscanf(e->d_name, "entry-%d", &i) == 1 && i >= 0 && i < COUNT) seen[i]++;
        else others++;
        if (++read_entries == 100) {
            /* Every third goes now, and new ones come. */
            for (i = 0; i < COUNT; i += 3) unlink(name_of(i)), removed++;
            for (i = 0; i < 100; i++) {
                char name[32];
                sprintf(name, "new-%d", i);
                close(open(name, O_CREAT | O_WRONLY, 0600));
            }
        }
    }
    int once = 0, twice = 0;
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 && seen[i] == 1) once++;
        if (seen[i] > 1) twice++;
    }
    printf("stayed %d, seen once %d, seen twice %d, removed %d, dots %d\n", COUNT - COUNT / 3, once, twice, removed, others >= 2);
    rewinddir(dir);
    int again = 0;
    for (struct dirent *e; (e = readdir(dir));) again++;
    printf("after rewinding %d\n", again);
    rewinddir(dir);
    /* Removing each name as it is read empties the directory. */
    for (struct dirent *e; (e = readdir(dir));) unlink(e->d_name);
    rewinddir(dir);
    int left = 0;
    for (struct dirent *e; (e = readdir(dir));) left++;
    printf("left %d\n", left);
    long start = telldir(dir);
    closedir(dir);
    test_remove_scratch_directory();
    return 0;
}
