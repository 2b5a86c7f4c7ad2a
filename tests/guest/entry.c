/* Names its func-entry point itself, in the middle of work: what came before is done once, what comes after in
 * each instance. Another thread is never blocked, so that nobody else could find the point. */
#include "http.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

static int before, after;

static void *busy(void *unused) {
    for (;;) sched_yield();
    return unused;
}

static void body(char *text, size_t room) {
    snprintf(text, room, "before=%d after=%d", before, after);
}

int main(void) {
    pthread_t thread;
    must(!pthread_create(&thread, 0, busy, 0), "thread");
    before++;
    int entry = open("/dev/catalyzer/entry", O_RDONLY);
    must(entry >= 0, "/dev/catalyzer/entry");
    after++;
    close(entry);
    int listener = listen_on(8080);
    for (;;) answer(listener, body);
}
