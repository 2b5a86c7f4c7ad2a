/* sendfile: to files, pipes and sockets; what it refuses. */
#include "test.h"
#include <sys/sendfile.h>
#include <sys/socket.h>
int main(void) {
    test_scratch_directory();
    test_write_file("a", "abcdefghij");
    int a = MUST(open("a", O_RDONLY)), b = MUST(open("b", O_RDWR | O_CREAT, 0600)), ends[2], pair[2];
    MUST(pipe(ends)), MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    char out[64];
    off_t at = 3;
    CALL(sendfile(b, a, &at, 4));
    printf("%ld %ld %ld\n", (long)at, (long)lseek(a, 0, SEEK_CUR), (long)lseek(b, 0, SEEK_CUR));
    CALL(sendfile(b, a, NULL, 5));
    printf("%ld %ld\n", (long)lseek(a, 0, SEEK_CUR), (long)lseek(b, 0, SEEK_CUR));
    CALL(sendfile(ends[1], a, NULL, 100));
    CALL(sendfile(ends[1], a, NULL, 100));
    CALL(read(ends[0], out, 64));
    at = 0;
    CALL(sendfile(pair[0], a, &at, 100));
    CALL(read(pair[1], out, 64));
    CALL(sendfile(b, a, NULL, 0));
    at = -1;
    CALL(sendfile(b, a, &at, 1));
    CALL(sendfile(b, a, (void *)8, 1));
    CALL(sendfile(b, ends[0], NULL, 1));
    CALL(sendfile(b, pair[0], NULL, 1));
    CALL(sendfile(open("b", O_RDONLY), a, NULL, 1));
    CALL(sendfile(b, open("a", O_WRONLY), NULL, 1));
    CALL(sendfile(open("b", O_WRONLY | O_APPEND), a, NULL, 1));
    CALL(sendfile(77, a, NULL, 1));
    CALL(sendfile(b, 77, NULL, 1));
    CALL(sendfile(b, open(".", O_RDONLY), NULL, 1));
    CALL(sendfile(b, open("/dev/zero", O_RDONLY), NULL, 100));
    CALL(sendfile(open("/dev/null", O_WRONLY), a, &(off_t){0}, 100));
    CALL(sendfile(b, open("/proc/version", O_RDONLY), NULL, 5));
    at = 100;
    CALL(sendfile(b, a, &at, 10));
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    static char big[100000];
    memset(big, 'x', sizeof big);
    CALL(pwrite(b, big, sizeof big, 0));
    at = 0;
    CALL(sendfile(ends[1], b, &at, 100000));
    CALL(sendfile(ends[1], b, &at, 100000));
    printf("%ld\n", (long)at);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    CALL(sendfile(ends[1], b, &at, 10));
    unlink("a"), unlink("b");
    test_remove_scratch_directory();
    return 0;
}
