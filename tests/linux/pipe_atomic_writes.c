/* Writes of up to PIPE_BUF bytes are never mixed with others', whoever reads in what pieces. */
#include "test.h"
static int p[2];
enum { RECORD = 1500, EACH = 300, WRITERS = 4 };
static void *writer(void *arg) {
    char record[RECORD];
    memset(record, 'a' + (int)(long)arg, RECORD);
    for (int i = 0; i < EACH; i++)
        if (write(p[1], record, RECORD) != RECORD) return (void *)1;
    return NULL;
}
int main(void) {
    pthread_t threads[WRITERS];
    static char all[WRITERS * EACH * RECORD];
    MUST(pipe(p));
    for (long i = 0; i < WRITERS; i++) threads[i] = test_start(writer, (void *)i);
    size_t got = 0;
    while (got < sizeof all) {
        ssize_t n = MUST(read(p[0], all + got, got % 977 + 1));
        got += (size_t)n;
    }
    int mixed = 0, seen[WRITERS] = {0};
    for (size_t at = 0; at < sizeof all; at += RECORD) {
        for (int i = 1; i < RECORD; i++) mixed += all[at + i] != all[at];
        seen[all[at] - 'a']++;
    }
    for (int i = 0; i < WRITERS; i++) {
        void *bad;
        pthread_join(threads[i], &bad);
        CALL(bad != NULL);
        CALL(seen[i]);
    }
    CALL(mixed);
    return 0;
}
