/* posix_fadvise, readahead, sync_file_range, name_to_handle_at: their checks. */
#include "test.h"
int main(void) {
    test_scratch_directory();
    test_write_file("file", "content");
    int fd = MUST(open("file", O_RDWR)), w = MUST(open("file", O_WRONLY)), ends[2];
    MUST(pipe(ends));
    for (int advice = -1; advice < 8; advice++) CALL(posix_fadvise(fd, 0, 0, advice));
    CALL(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
    CALL(posix_fadvise(fd, -1, 1, POSIX_FADV_NORMAL));
    CALL(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL));
    CALL(posix_fadvise(77, 0, 0, POSIX_FADV_NORMAL));
    CALL(posix_fadvise(open("/dev/null", O_RDONLY), 0, 0, POSIX_FADV_NORMAL));
    CALL(posix_fadvise(open(".", O_RDONLY), 0, 0, POSIX_FADV_NORMAL));
    CALL(readahead(fd, 0, 100));
    CALL(readahead(w, 0, 100));
    CALL(readahead(77, 0, 100));
    CALL(readahead(ends[0], 0, 100));
    CALL(readahead(open(".", O_RDONLY), 0, 100));
    CALL(sync_file_range(fd, 0, 0, 7));
    CALL(sync_file_range(fd, 0, 0, 8));
    CALL(sync_file_range(fd, -1, 0, 0));
    CALL(sync_file_range(fd, 0, -1, 0));
    CALL(sync_file_range(ends[0], 0, 0, 0));
    CALL(sync_file_range(77, 0, 0, 0));
    CALL(fsync(fd)), CALL(fdatasync(fd)), CALL(fsync(77)), CALL(fsync(ends[0])), CALL(fsync(open(".", O_RDONLY)));
    CALL(syncfs(fd)), CALL(syncfs(77)), CALL(syncfs(ends[0]));
    unlink("file");
    test_remove_scratch_directory();
    return 0;
}
