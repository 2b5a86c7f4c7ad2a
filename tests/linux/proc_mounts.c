/* /proc/mounts and mountinfo: well formed, and in step with statx and with each other. */
#include "test.h"
int main(void) {
    char line[1024];
    int lines = 0, wrong = 0, root = 0, proc = 0;
    FILE *file = fopen("/proc/self/mounts", "r");
    while (fgets(line, sizeof line, file)) {
        char source[256], target[256], kind[64], options[512];
        int dump, pass;
        wrong += sscanf(line, "%255s %255s %63s %511s %d %d", source, target, kind, options, &dump, &pass) != 6;
        root += strcmp(target, "/") == 0, proc += strcmp(target, "/proc") == 0 && strcmp(kind, "proc") == 0, lines++;
    }
    fclose(file);
    printf("wrong %d root %d proc %d\n", wrong, root > 0, proc > 0);
    int information = 0, root_id = -1, proc_id = -1;
    file = fopen("/proc/self/mountinfo", "r");
    while (fgets(line, sizeof line, file)) {
        int id, parent, major, minor;
        char from[256], target[256];
        wrong += sscanf(line, "%d %d %d:%d %255s %255s", &id, &parent, &major, &minor, from, target) != 6 || !strstr(line, " - ");
        if (!strcmp(target, "/")) root_id = id;
        if (!strcmp(target, "/proc")) proc_id = id;
        information++;
    }
    fclose(file);
    printf("wrong %d as many %d\n", wrong, information == lines);
    struct statx x;
    CALL(statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &x));
    YES(x.stx_mnt_id == root_id);
    CALL(statx(AT_FDCWD, "/proc/self", 0, STATX_MNT_ID, &x));
    YES(x.stx_mnt_id == proc_id);
    CALL(readlink("/proc/mounts", line, sizeof line)), printf("%.11s\n", line);
    return 0;
}
