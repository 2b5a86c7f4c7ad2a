/* sendfile to pipes: without a reader it fails before the file is looked at, O_APPEND does not matter there; and which of
 * several faults is told. */
#include "test.h"
#include <sys/sendfile.h>
static int signals;
static void caught(int signal) { (void)signal, signals++; }
int main(void) {
    signal(SIGPIPE, caught);
    test_scratch_directory();
    int empty = MUST(open("a", O_RDWR | O_CREAT, 0644)), ends[2], broken[2];
    MUST(mkfifo("fifo", 0644));
    int fifo = MUST(open("fifo", O_RDWR | O_APPEND));
    MUST(pipe(ends)), MUST(pipe(broken));
    close(broken[0]);
    off_t zero = 0;
    CALL(sendfile(broken[1], empty, NULL, 10));
    CALL(sendfile(broken[1], empty, NULL, 0));
    printf("signals %d\n", signals);
    CALL(sendfile(ends[1], empty, NULL, 10));
    CALL(sendfile(fifo, empty, NULL, 10));
    MUST(write(empty, "hello", 5));
    CALL(sendfile(fifo, empty, &zero, 10));
    CALL(sendfile(-1, ends[0], &zero, 10));
    CALL(sendfile(-1, ends[0], NULL, 10));
    CALL(sendfile(-1, ends[1], &zero, 10));
    CALL(sendfile(ends[0], empty, &zero, 10));
    int directory = MUST(open("/dev/shm", O_RDONLY));
    CALL(sendfile(empty, directory, NULL, 0));
    CALL(sendfile(empty, directory, NULL, 1));
    CALL(sendfile(empty, ends[0], NULL, 0));
    unlink("a"), unlink("fifo");
    test_remove_scratch_directory();
    return 0;
}
