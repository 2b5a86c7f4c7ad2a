/* inotify: a full queue says so, once. */
#include "test.h"
#include <sys/inotify.h>
int main(void) {
    test_scratch_directory();
    int limit = 0;
    FILE *setting = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    fscanf(setting, "%d", &limit), fclose(setting);
    int fd = MUST(inotify_init1(IN_NONBLOCK));
    MUST(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE));
    for (int i = 0; i < limit + 1000; i += 2) {
        close(open("f", O_CREAT | O_WRONLY, 0600));
        unlink("f");
    }
    static char buffer[1 << 16] __attribute__((aligned(8)));
    long events = 0, overflows = 0, last = 0;
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        for (char *at = buffer; at < buffer + n;) {
            struct inotify_event *e = (void *)at;
            events++;
            if (e->mask & IN_Q_OVERFLOW) overflows++, last = events, printf("overflow: wd %d len %u\n", e->wd, e->len);
            at += sizeof *e + e->len;
        }
    printf("all that fit: %d, overflows %ld, last %d\n", events == limit + 1, overflows, last == events);
    close(open("f", O_CREAT | O_WRONLY, 0600));
    CALL(read(fd, buffer, sizeof buffer));
    unlink("f");
    test_remove_scratch_directory();
    return 0;
}
