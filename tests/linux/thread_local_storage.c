/* Thread-local variables, keys with destructors, and thread identities.
 * test: variants dynamic static musl
 */
#include "test.h"
static __thread int own = 5;
static __thread char large[5000];
static pthread_key_t key;
static int destroyed;
static void destroy(void *value) { __atomic_fetch_add(&destroyed, (int)(long)value, __ATOMIC_RELAXED); }
static void *run(void *arg) {
    long self = (long)arg;
    int before = own;
    for (int i = 0; i < 5000; i++) before += large[i];
    own += (int)self;
    memset(large, (int)self, sizeof large);
    pthread_setspecific(key, (void *)self);
    for (int i = 0; i < 10; i++) sched_yield();
    YES(before == 5);
    return (void *)(long)(own + large[4999] + (long)pthread_getspecific(key));
}
int main(void) {
    pthread_key_create(&key, destroy);
    for (long round = 1; round < 4; round++) {
        void *result;
        pthread_join(test_start(run, (void *)round), &result);
        CALL((long)result);
    }
    CALL(destroyed);
    CALL(own);
    YES(syscall(SYS_gettid) == getpid());
    return 0;
}
