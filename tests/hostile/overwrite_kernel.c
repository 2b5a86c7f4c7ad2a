/* Writes over what the guest kernel keeps in this address space, then asks it for something. */
#include "hostile.h"

static void fill(u64 start, u64 len, u64 word) {
    for (u64 at = start; at < start + len; at += 8) *(volatile u64 *)at = word;
}

int deed(int argc, char **argv) {
    if (argc < 2) unfit("what?");
    const u64 *page = (const u64 *)BOOT_PAGE;
    /* All of the heap that is mapped: the fault behind its end comes to a kernel without state. */
    u64 heap = page[1], heap_len = 1ul << 30;
    /* The report of a crash has to name this call. */
    sys3(110 /* getppid */, 0, 0, 0);
    if (same(argv[1], "boot-page")) {
        fill(BOOT_PAGE, 2048, -1);
    } else if (same(argv[1], "kernel-words")) {
        fill(BOOT_PAGE + 2048, 2048, -1);
    } else if (same(argv[1], "heap")) {
        fill(heap, heap_len, 0x4141414141414141);
    } else if (same(argv[1], "heap-zeros")) {
        fill(heap, heap_len, 0);
    } else if (same(argv[1], "root")) {
        ((volatile u64 *)page)[3] = 0x1234567890;
    } else if (same(argv[1], "gs")) {
        __asm__ volatile("wrgsbase %0" ::"r"(0x4141414141410000ul & 0x7fffffffffff));
    } else if (same(argv[1], "gs-zero")) {
        __asm__ volatile("wrgsbase %0" ::"r"(0ul));
    } else if (same(argv[1], "gs-own")) {
        static u64 fake[512];
        fake[0] = (u64)fake;
        fake[2] = (u64)(fake + 500);
        __asm__ volatile("wrgsbase %0" ::"r"(fake));
    } else if (same(argv[1], "stack")) {
        /* Everything below the per-thread data of the first slots. */
        fill(STACKS + 4096, (128 << 10) - 4096, 0x4242424242424242);
    } else if (same(argv[1], "text")) {
        /* Not writable as it lies. */
        find_kernel_text();
        *(volatile u8 *)text_start = 0xcc;
    } else if (same(argv[1], "text-mapped")) {
        /* Made writable by a host call, then all of it garbage. */
        take_kernel_calls();
        kernel_call3(NR_mprotect, text_start & ~4095ul, (text_end - text_start + 4095) & ~4095ul, 7);
        fill(text_start & ~4095ul, 4096, 0xcccccccccccccccc);
        fill(text_start + 4096, (text_end - text_start) & ~4095ul, 0xcccccccccccccccc);
    } else if (same(argv[1], "unmap")) {
        take_kernel_calls();
        kernel_call3(11 /* munmap */, heap, heap_len, 0);
    } else {
        unfit("unknown place");
    }
    /* Whether the kernel still answers or not is its own affair; the host must not notice. */
    long answer = sys3(39 /* getpid */, 0, 0, 0);
    sys3(257 /* openat */, -100, "/etc/passwd", 0);
    tell("still answers", answer);
    return 3;
}
