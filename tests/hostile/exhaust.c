/* Takes all there is: `memory` and `memory-host` (by a host call, past the guest kernel's accounting), `mappings`,
 * `threads`, `threads-host`, `processes-host`, `descriptors`, `descriptors-host`, `files` (the upper layer), `pipes`,
 * `cpu`, `cpu-deaf`. */
#include "hostile.h"

static u8 page[4096];

static void touch(u64 start, u64 len) {
    for (u64 at = start; at < start + len; at += 4096) *(volatile u8 *)at = 1;
}

static int refused(long answer) {
    return answer < 0 && answer > -4096;
}

int deed(int argc, char **argv) {
    if (argc < 2) unfit("what?");
    const char *what = argv[1];
    long count = 0, answer = 0;
    if (same(what, "memory")) {
        for (;; count++) {
            answer = sys6(NR_mmap, 0, 1 << 20, 3, 0x22, -1, 0);
            if (refused(answer)) break;
            touch(answer, 1 << 20);
        }
        for (;;) ;
    } else if (same(what, "memory-host")) {
        take_kernel_calls();
        for (;; count++) {
            answer = kernel_call(NR_mmap, 0, 1 << 20, 3, 0x22, -1, 0);
            if (refused(answer)) break;
            touch(answer, 1 << 20);
        }
        /* Whatever limit it met, it holds what it has. */
        for (;;) ;
    } else if (same(what, "mappings")) {
        /* Alternating protections, so that neighbours are never merged; MAP_FIXED, so that none has to be searched for. */
        for (; count < 200000; count++) {
            answer = sys6(NR_mmap, 0x100000000 + count * 4096, 4096, count & 1, 0x32, -1, 0);
            if (refused(answer)) break;
        }
    } else if (same(what, "threads") || same(what, "threads-host")) {
        int host = same(what, "threads-host");
        if (host) take_kernel_calls();
        for (; count < 5000; count++) {
            answer = host ? host_thread() : waiting_thread();
            if (refused(answer)) break;
        }
    } else if (same(what, "processes-host")) {
        /* sfork's and the template's flags: nobody but the nursery and templates may use them with success. */
        static const long flags[] = {0x1000 | 0x8000 | 0x20000000 | 17, 0x1000 | 0x8000 | 17};
        take_kernel_calls();
        for (int i = 0; i < 2; i++) {
            int pidfd = -1;
            answer = kernel_call(56, flags[i], 0, (long)&pidfd, 0, 0, 0);
            if (answer == 0) for (;;) ;
            if (!refused(answer)) say("SUCCEEDED\n");
            tell("clone", answer);
        }
        return 0;
    } else if (same(what, "descriptors")) {
        for (; count < 2000000; count++) {
            answer = sys3(257 /* openat */, -100, "/dev/null", 0);
            if (refused(answer)) break;
        }
    } else if (same(what, "descriptors-host")) {
        take_kernel_calls();
        for (; count < 2000000; count++) {
            answer = kernel_call3(290 /* eventfd2 */, 0, 0, 0);
            if (refused(answer)) break;
        }
        if (count > 100000) say("SUCCEEDED\n");
    } else if (same(what, "files")) {
        long file = sys3(257, -100, "/tmp/large", 0101 | 0x40);
        file = sys6(257, -100, (long)"/tmp/large", 0102, 0644, 0, 0);
        if (file < 0) unfit("no file");
        for (;; count++) {
            answer = sys3(NR_write, file, page, sizeof page);
            if (answer != sizeof page) break;
        }
        for (;;) ;
    } else if (same(what, "pipes")) {
        int ends[2];
        for (; count < 2000000; count++) {
            answer = sys3(22 /* pipe */, ends, 0, 0);
            if (refused(answer)) break;
        }
    } else if (same(what, "cpu")) {
        for (;;) ;
    } else if (same(what, "cpu-deaf")) {
        /* Not to be interrupted by the monitor's kicks either. */
        u64 all = -1;
        take_kernel_calls();
        kernel_call(14 /* rt_sigprocmask */, 0, (long)&all, 0, 8, 0, 0);
        for (;;) ;
    } else if (same(what, "stack")) {
        __asm__ volatile("1: push %rax\n jmp 1b");
    } else {
        unfit("unknown resource");
    }
    tell("got", count);
    tell("then", answer);
    return 0;
}
