/* A function that answers `GET /`, and does on other paths what no instance may: its siblings and its
 * template must not notice. */
#include "hostile.h"

static char request[4096];

static void overwrite(u64 start, u64 len) {
    for (u64 at = start; at < start + len; at += 8) *(volatile u64 *)at = 0x4141414141414141;
}

static void transmit(const void *bytes, u64 len, void *control, u64 control_len) {
    struct { const void *base; u64 len; } vector = {bytes, len};
    struct { void *name; u64 name_len; void *vectors; u64 vectors_len; void *control; u64 control_len, flags; }
        message = {0, 0, &vector, 1, control, control_len, 0};
    kernel_call3(46, CONTROL_FD, &message, 0);
}

static void act(const char *path) {
    const u64 *page = (const u64 *)BOOT_PAGE;
    if (path[1] == 'h') { /* /heap */
        overwrite(page[1], page[2]);
        sys3(39, 0, 0, 0);
    } else if (path[1] == 'f') { /* /filter: a host socket */
        take_kernel_calls();
        kernel_call3(41, 2, 1, 0);
    } else if (path[1] == 'g') { /* /garbage on the control socket */
        take_kernel_calls();
        transmit(request, 100, 0, 0);
    } else if (path[1] == 'm') { /* /memory without end */
        for (;;) {
            long at = sys6(NR_mmap, 0, 1 << 20, 3, 0x22, -1, 0);
            if (at < 0) break;
            for (long i = 0; i < 1 << 20; i += 4096) *(volatile u8 *)(at + i) = 1;
        }
    } else if (path[1] == 'd') { /* /descriptors: what the template left open is closed, shut down and written to */
        take_kernel_calls();
        for (long fd = 4; fd < 256; fd++) {
            kernel_call3(48 /* shutdown */, fd, 2, 0);
            kernel_call3(NR_write, fd, "garbage", 7);
        }
    } else if (path[1] == 't') { /* /threads until there are no more */
        while (waiting_thread() > 0) ;
    } else if (path[1] == 'o') { /* /overflow of the control socket */
        take_kernel_calls();
        for (;;) transmit("\x07\x01\x01x", 4, 0, 0);
    } else if (path[1] == 'p') { /* /passes descriptors */
        struct { u64 len; int level, kind; int fds[2]; } rights = {16 + 8, 1, 1, {CONTROL_FD, CONTROL_FD}};
        take_kernel_calls();
        transmit("\x01", 1, &rights, 24);
    }
    for (;;) ;
}

int deed(int argc, char **argv) {
    (void)argc, (void)argv;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\nConnection: close\r\n\r\nhello from a hostile function\n";
    struct { unsigned short family, port; u32 address; u64 rest; } address = {2, 0x901f /* 8080 */, 0, 0};
    long listener = sys3(41, 2, 1, 0);
    if (listener < 0 || sys3(49, listener, &address, 16) || sys3(50, listener, 16, 0)) unfit("no port");
    for (;;) {
        long client = sys3(43, listener, 0, 0);
        if (client < 0) leave(1);
        long len = sys3(NR_read, client, request, sizeof request - 1);
        if (len > 5 && request[5] != ' ') act(request + 4);
        if (len > 0) sys3(NR_write, client, answer, sizeof answer - 1);
        sys3(3, client, 0, 0);
    }
}
