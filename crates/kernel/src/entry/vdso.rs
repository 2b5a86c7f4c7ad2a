//! The code of the guest's vDSO, and the kernel routine behind it.
//!
//! The page that the guest sees ([`crate::mm::vdso`]) begins with two slots that hold kernel addresses and goes on with the
//! text below, copied from here. A clock is read by `vdso_clock`: it calls the host's vDSO on the kernel stack and adds
//! this instance's offset. It touches no memory of the guest; the page stores the result itself, so a bad pointer is an
//! ordinary fault of user code.
//!
//! What the routine does not know (other clocks, a host without a vDSO) becomes a system call, and so does every
//! call while work is pending: the work is done on its way out. A kick between the last look at `pending` and the `ret`
//! sends the thread back to look again ([`super::trap`]).
#![allow(unsafe_code)]

use abi::boot::BootPage;
use abi::layout::BOOT_PAGE;
use core::arch::global_asm;
use core::mem::offset_of;

global_asm!(
    // edi: clock. Answers rax seconds, rdx nanoseconds, ecx 0; or ecx not 0: make the system call. Keeps rsi; rdi
    // is the clock again.
    ".global vdso_clock",
    "vdso_clock:",
    "mov gs:[8], rsp",
    "mov rsp, gs:[16]",
    "push rsi",
    "push rdi",
    "sub rsp, 16",
    // REALTIME, MONOTONIC, MONOTONIC_RAW, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME
    "cmp edi, 7",
    "ja 5f",
    "mov eax, 0b11110011",
    "bt eax, edi",
    "jnc 5f",
    "movabs rax, [{host_vdso}]",
    "test rax, rax",
    "jz 5f",
    "mov rsi, rsp",
    "call rax",
    "test eax, eax",
    "jnz 5f",
    "mov edi, [rsp + 16]",
    "mov r8d, 0b00100001",
    "bt r8d, edi",
    "jc 2f",
    "movabs rax, [{monotonic}]",
    "jmp 3f",
    "2:",
    "movabs rax, [{realtime}]",
    "3:",
    "mov r8, rax",
    "mov rax, [rsp]",
    "mov rdx, [rsp + 8]",
    "test r8, r8",
    "jz 4f",
    "imul rax, rax, 1000000000",
    "add rax, rdx",
    "add rax, r8",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "4:",
    "mov rdi, [rsp + 16]",
    "mov rsi, [rsp + 24]",
    ".global vdso_exit",
    "vdso_exit:",
    "mov rsp, gs:[8]",
    "mov ecx, gs:[32]",
    "ret",
    ".global vdso_exit_end",
    "vdso_exit_end:",
    "5:",
    "mov rdi, [rsp + 16]",
    "mov rsi, [rsp + 24]",
    "mov rsp, gs:[8]",
    "mov ecx, 1",
    "ret",
    // The page. A system call enters the kernel by the fast entry, which wants the number in eax and the way back in
    // rcx; the `syscall` before the way back is for calls that are restarted.
    ".pushsection .rodata.guest_vdso, \"a\"",
    ".balign 16",
    ".global guest_vdso_text",
    "guest_vdso_text:",
    "20: .quad 0",
    "21: .quad 0",
    ".global guest_vdso_clock_gettime",
    "guest_vdso_clock_gettime:",
    "call [rip + 20b]",
    "test ecx, ecx",
    "jnz 6f",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "xor eax, eax",
    "ret",
    "6:",
    "mov eax, 228",
    "jmp 30f",
    ".balign 16",
    ".global guest_vdso_gettimeofday",
    "guest_vdso_gettimeofday:",
    "test rsi, rsi",
    "jnz 8f",
    "test rdi, rdi",
    "jz 8f",
    "mov rsi, rdi",
    "xor edi, edi",
    "call [rip + 20b]",
    "test ecx, ecx",
    "jnz 7f",
    "mov [rsi], rax",
    "mov rax, rdx",
    "xor edx, edx",
    "mov ecx, 1000",
    "div rcx",
    "mov [rsi + 8], rax",
    "xor eax, eax",
    "ret",
    "7:",
    "mov rdi, rsi",
    "xor esi, esi",
    "8:",
    "mov eax, 96",
    "jmp 30f",
    ".balign 16",
    ".global guest_vdso_time",
    "guest_vdso_time:",
    "mov rsi, rdi",
    "xor edi, edi",
    "call [rip + 20b]",
    "test ecx, ecx",
    "jnz 9f",
    "test rsi, rsi",
    "jz 11f",
    "mov [rsi], rax",
    "11:",
    "ret",
    "9:",
    "mov rdi, rsi",
    "mov eax, 201",
    "jmp 30f",
    ".balign 16",
    ".global guest_vdso_getcpu",
    "guest_vdso_getcpu:",
    "mov eax, 309",
    "jmp 30f",
    ".balign 16",
    ".global guest_vdso_clock_getres",
    "guest_vdso_clock_getres:",
    "mov eax, 229",
    "30:",
    "lea rcx, [rip + 31f]",
    "jmp [rip + 21b]",
    "syscall",
    "31:",
    "ret",
    ".global guest_vdso_text_end",
    "guest_vdso_text_end:",
    ".popsection",
    host_vdso = const BOOT_PAGE + offset_of!(BootPage, vdso_clock_gettime) as u64,
    monotonic = const BOOT_PAGE + offset_of!(BootPage, monotonic_offset_ns) as u64,
    realtime = const BOOT_PAGE + offset_of!(BootPage, realtime_offset_ns) as u64,
);

unsafe extern "C" {
    fn vdso_clock();
    static vdso_exit: u8;
    static vdso_exit_end: u8;
    static guest_vdso_text: u8;
    static guest_vdso_text_end: u8;
    static guest_vdso_clock_gettime: u8;
    static guest_vdso_gettimeofday: u8;
    static guest_vdso_time: u8;
    static guest_vdso_getcpu: u8;
    static guest_vdso_clock_getres: u8;
}

/// The way out of `vdso_clock`: an interrupt within it goes back to its start.
pub(super) fn exit_range() -> core::ops::Range<u64> {
    &raw const vdso_exit as u64..&raw const vdso_exit_end as u64
}

/// The text of the guest's vDSO with its two slots filled in, and the functions in it: name and offset.
pub fn text() -> (alloc::vec::Vec<u8>, [(&'static str, u64); 5]) {
    let start = &raw const guest_vdso_text as u64;
    let len = &raw const guest_vdso_text_end as u64 - start;
    // SAFETY: the read-only bytes between the two labels above.
    let mut text = unsafe { core::slice::from_raw_parts(&raw const guest_vdso_text, len as usize) }.to_vec();
    text[..8].copy_from_slice(&(vdso_clock as *const () as u64).to_le_bytes());
    text[8..16].copy_from_slice(&(super::asm::fast_entry as *const () as u64).to_le_bytes());
    let functions = [
        ("__vdso_clock_gettime", &raw const guest_vdso_clock_gettime as u64 - start),
        ("__vdso_gettimeofday", &raw const guest_vdso_gettimeofday as u64 - start),
        ("__vdso_time", &raw const guest_vdso_time as u64 - start),
        ("__vdso_getcpu", &raw const guest_vdso_getcpu as u64 - start),
        ("__vdso_clock_getres", &raw const guest_vdso_clock_getres as u64 - start),
    ];
    (text, functions)
}
