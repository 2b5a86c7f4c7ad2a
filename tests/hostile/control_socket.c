/* Talks to the monitor itself, by the kernel's system-call instruction: `garbage`, `oversized`, `empty`, `descriptors`,
 * `flood`, `log-flood`, `files-flood`, `parked`, `address`, `lies`, `deaf`, `close`. */
#include "hostile.h"

struct vector { void *base; u64 len; };
struct message { void *name; u64 name_len; struct vector *vectors; u64 vectors_len; void *control; u64 control_len; u64 flags; };

static u8 bytes[1 << 20];

static long transmit(const void *from, u64 len, void *control, u64 control_len, void *name, u64 name_len, long flags) {
    struct vector vector = {(void *)from, len};
    struct message message = {name, name_len, &vector, 1, control, control_len, 0};
    return kernel_call3(46 /* sendmsg */, CONTROL_FD, &message, flags);
}

int deed(int argc, char **argv) {
    if (argc < 2) unfit("what?");
    const char *what = argv[1];
    for (u64 i = 0; i < sizeof bytes; i++) bytes[i] = (u8)(i * 131 + 200);
    take_kernel_calls();
    if (same(what, "garbage")) {
        transmit(bytes, 100, 0, 0, 0, 0, 0);
    } else if (same(what, "oversized")) {
        transmit(bytes, 100000, 0, 0, 0, 0, 0);
    } else if (same(what, "empty")) {
        transmit(bytes, 0, 0, 0, 0, 0, 0);
    } else if (same(what, "descriptors")) {
        struct { u64 len; int level, kind; int fds[2]; } rights = {16 + 8, 1, 1, {CONTROL_FD, CONTROL_FD}};
        /* A well-formed message, `AtEntry`. */
        transmit("\x01", 1, &rights, 24, 0, 0, 0);
    } else if (same(what, "flood")) {
        /* `Log { stream: Err, bytes: "x" }` until somebody ends it. */
        for (;;) transmit("\x07\x01\x01x", 4, 0, 0, 0, 0, 0);
    } else if (same(what, "garbage-flood")) {
        for (;;) transmit(bytes, 60000, 0, 0, 0, 0, 0x40);
    } else if (same(what, "files-flood")) {
        for (;;) transmit("\x05", 1, 0, 0, 0, 0, 0);
    } else if (same(what, "parked")) {
        transmit("\x00", 1, 0, 0, 0, 0, 0);
    } else if (same(what, "frozen")) {
        /* `Frozen` with a length nobody could read. */
        transmit("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01", 12, 0, 0, 0, 0, 0);
    } else if (same(what, "connection")) {
        transmit("\x06\x09", 2, 0, 0, 0, 0, 0);
    } else if (same(what, "address")) {
        struct { unsigned short family; char path[20]; } name = {1, "/run/catalyzer.sock"};
        transmit(bytes, 10, 0, 0, &name, sizeof name, 0);
    } else if (same(what, "flags")) {
        transmit(bytes, 10, 0, 0, 0, 0, parse(argv[2]));
        say("SUCCEEDED\n");
    } else if (same(what, "lies")) {
        /* `Exited(Status(0))`, then goes on. */
        transmit("\x08\x00\x00", 3, 0, 0, 0, 0, 0);
        for (;;) ;
    } else if (same(what, "close")) {
        kernel_call3(3, CONTROL_FD, 0, 0);
    } else {
        unfit("unknown message");
    }
    /* The monitor has to end this; the time limit of the test is no success. */
    for (;;) ;
}
