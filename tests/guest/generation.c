/* Watches /dev/catalyzer/generation in the three ways there are: by reading, by a shared mapping, and by a thread
 * that waits in poll. Each answer says what they show, and whether the file is still readable once it was read. */
#include "http.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

static int read_here, watched;
static volatile uint64_t *mapped;
static uint64_t private_copy;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static uint64_t polled, read_last;

static uint64_t number(int fd) {
    uint64_t value = 0;
    must(pread(fd, &value, sizeof value, 0) == sizeof value, "pread");
    return value;
}

static int readable(int fd) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 0);
}

static void *watch(void *unused) {
    for (;;) {
        struct pollfd entry = {.fd = watched, .events = POLLIN};
        must(poll(&entry, 1, -1) == 1 && entry.revents == POLLIN, "poll");
        uint64_t now = number(watched);
        pthread_mutex_lock(&lock);
        polled = now;
        pthread_cond_broadcast(&told);
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

static void body(char *text, size_t room) {
    int before = readable(read_here);
    uint64_t now = number(read_here);
    int after = readable(read_here);
    /* The watcher learns of it by itself. */
    pthread_mutex_lock(&lock);
    while (polled != now) pthread_cond_wait(&told, &lock);
    pthread_mutex_unlock(&lock);
    snprintf(text, room, "%llu %llu %llu %s changed=%d then=%d copy=%s", (unsigned long long)now,
             (unsigned long long)*mapped, (unsigned long long)polled, now == read_last ? "same" : "new", before, after,
             private_copy ? "kept" : "none");
    read_last = now;
}

int main(void) {
    pthread_t thread;
    read_here = open("/dev/catalyzer/generation", O_RDONLY);
    watched = open("/dev/catalyzer/generation", O_RDONLY);
    must(read_here >= 0 && watched >= 0, "/dev/catalyzer/generation");
    must(readable(read_here) == 1, "a file that was never read is not readable");
    mapped = mmap(0, 8, PROT_READ, MAP_SHARED, read_here, 0);
    must(mapped != MAP_FAILED, "mmap");
    uint64_t *copy = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, read_here, 0);
    must(copy != MAP_FAILED, "mmap private");
    private_copy = *copy;
    read_last = number(read_here);
    must(*mapped == read_last && private_copy == read_last, "mapping and file differ");
    must(!pthread_create(&thread, 0, watch, 0), "thread");
    int listener = listen_on(8080);
    for (;;) answer(listener, body);
}
