/* A thread's name: cut at 15 bytes, a thread's own, in /proc too. */
#include "test.h"
#include <sys/prctl.h>
static void *named(void *arg) {
    char name[17] = "................";
    prctl(PR_GET_NAME, name);
    printf("begins as %s\n", name);
    prctl(PR_SET_NAME, "a thread");
    return arg;
}
int main(void) {
    char name[17] = "................", line[64];
    CALL(prctl(PR_SET_NAME, "exactly fifteen"));
    CALL(prctl(PR_GET_NAME, name));
    printf("%s, end %d\n", name, name[15]);
    CALL(prctl(PR_SET_NAME, "exactly sixteen!"));
    CALL(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    CALL(prctl(PR_SET_NAME, ""));
    CALL(prctl(PR_GET_NAME, name));
    printf("[%s]\n", name);
    CALL(prctl(PR_SET_NAME, "main"));
    pthread_join(test_start(named, NULL), NULL);
    CALL(prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    FILE *f = fopen("/proc/self/comm", "r");
    printf("%s", fgets(line, sizeof line, f) ? line : "nothing\n");
    fclose(f);
    /* A name at the end of a mapping. */
    char *end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(munmap(end + PAGE, PAGE));
    strcpy(end + PAGE - 4, "end");
    CALL(prctl(PR_SET_NAME, end + PAGE - 4));
    end[PAGE - 1] = '!';
    CALL(prctl(PR_SET_NAME, end + PAGE - 4));
    CALL(prctl(PR_SET_NAME, end + PAGE - 15));
    CALL(prctl(PR_GET_NAME, end + PAGE - 15));
    return 0;
}
