//! The assembly of the border. `GS` holds the [`PerThread`](crate::local::PerThread): 8 user `rsp`, 16 kernel
//! stack, 24 frame, 32 pending.
#![allow(unsafe_code)]

use core::arch::{asm, global_asm};

/// Bytes of a [`super::Frame`].
pub const FRAME_SIZE: usize = 432;

global_asm!(
    // Fast entry: from a stub, `eax` the number, `rcx` the address to return to. Touches no user stack.
    ".global fast_entry",
    "fast_entry:",
    "mov gs:[8], rsp",
    "mov rsp, gs:[16]",
    "pushfq",
    "lea rsp, [rsp - ({frame} - 8)]",
    "mov [rsp + 0], r8",
    "mov [rsp + 8], r9",
    "mov [rsp + 16], r10",
    "mov r11, [rsp + {frame} - 8]",
    "mov [rsp + 24], r11",
    "mov [rsp + 32], r12",
    "mov [rsp + 40], r13",
    "mov [rsp + 48], r14",
    "mov [rsp + 56], r15",
    "mov [rsp + 64], rdi",
    "mov [rsp + 72], rsi",
    "mov [rsp + 80], rbp",
    "mov [rsp + 88], rbx",
    "mov [rsp + 96], rdx",
    "mov [rsp + 104], rax",
    "mov [rsp + 112], rcx",
    "mov rdi, gs:[8]",
    "mov [rsp + 120], rdi",
    "mov [rsp + 128], rcx",
    "mov [rsp + 136], r11",
    "mov [rsp + 152], rax",
    "mov qword ptr [rsp + 160], 0",
    "mov qword ptr [rsp + 168], 0",
    "movaps [rsp + 176 + 0x00], xmm0",
    "movaps [rsp + 176 + 0x10], xmm1",
    "movaps [rsp + 176 + 0x20], xmm2",
    "movaps [rsp + 176 + 0x30], xmm3",
    "movaps [rsp + 176 + 0x40], xmm4",
    "movaps [rsp + 176 + 0x50], xmm5",
    "movaps [rsp + 176 + 0x60], xmm6",
    "movaps [rsp + 176 + 0x70], xmm7",
    "movaps [rsp + 176 + 0x80], xmm8",
    "movaps [rsp + 176 + 0x90], xmm9",
    "movaps [rsp + 176 + 0xa0], xmm10",
    "movaps [rsp + 176 + 0xb0], xmm11",
    "movaps [rsp + 176 + 0xc0], xmm12",
    "movaps [rsp + 176 + 0xd0], xmm13",
    "movaps [rsp + 176 + 0xe0], xmm14",
    "movaps [rsp + 176 + 0xf0], xmm15",
    "mov gs:[24], rsp",
    "cld",
    "test r11d, 0x40000",
    "jz 2f",
    // AC set by the application: alignment checks are not for the kernel.
    "pushfq",
    "and dword ptr [rsp], ~0x40000",
    "popfq",
    "2:",
    "mov rdi, rsp",
    "call {system_call}",
    // The way out. A kick within it comes back to its first instruction (`trap.rs`): all it does can be done again.
    ".global fast_exit",
    "fast_exit:",
    "mov rsp, gs:[24]",
    "cmp dword ptr gs:[32], 0",
    "je 3f",
    "mov rdi, rsp",
    "call {pending}",
    "jmp fast_exit",
    "3:",
    "movaps xmm0, [rsp + 176 + 0x00]",
    "movaps xmm1, [rsp + 176 + 0x10]",
    "movaps xmm2, [rsp + 176 + 0x20]",
    "movaps xmm3, [rsp + 176 + 0x30]",
    "movaps xmm4, [rsp + 176 + 0x40]",
    "movaps xmm5, [rsp + 176 + 0x50]",
    "movaps xmm6, [rsp + 176 + 0x60]",
    "movaps xmm7, [rsp + 176 + 0x70]",
    "movaps xmm8, [rsp + 176 + 0x80]",
    "movaps xmm9, [rsp + 176 + 0x90]",
    "movaps xmm10, [rsp + 176 + 0xa0]",
    "movaps xmm11, [rsp + 176 + 0xb0]",
    "movaps xmm12, [rsp + 176 + 0xc0]",
    "movaps xmm13, [rsp + 176 + 0xd0]",
    "movaps xmm14, [rsp + 176 + 0xe0]",
    "movaps xmm15, [rsp + 176 + 0xf0]",
    "mov r8, [rsp + 0]",
    "mov r9, [rsp + 8]",
    "mov r10, [rsp + 16]",
    "mov r12, [rsp + 32]",
    "mov r13, [rsp + 40]",
    "mov r14, [rsp + 48]",
    "mov r15, [rsp + 56]",
    "mov rdi, [rsp + 64]",
    "mov rsi, [rsp + 72]",
    "mov rbp, [rsp + 80]",
    "mov rbx, [rsp + 88]",
    "mov rdx, [rsp + 96]",
    "mov rax, [rsp + 104]",
    "mov rcx, [rsp + 128]",
    "mov r11, [rsp + 136]",
    "push r11",
    "popfq",
    "mov rsp, [rsp + 120]",
    // All registers are the user's; a kick that comes here has its signal frame where the frame was.
    ".global fast_exit_jump",
    "fast_exit_jump:",
    "jmp rcx",
    ".global fast_exit_end",
    "fast_exit_end:",
    // memcpy between kernel and guest: rdi, rsi, rdx as memcpy; answers what is left. A fault at the copy
    // continues at `copy_user_fault` (`trap.rs`).
    ".global copy_user_asm",
    "copy_user_asm:",
    "mov rcx, rdx",
    ".global copy_user_begin",
    "copy_user_begin:",
    "rep movsb",
    ".global copy_user_fault",
    "copy_user_fault:",
    "mov rax, rcx",
    "ret",
    // compare_exchange on a guest word: rdi address, rsi pointer to the expected (gets the old) value, edx new.
    // Answers 1, or 0 after a fault.
    ".global exchange_user_asm",
    "exchange_user_asm:",
    "mov eax, [rsi]",
    ".global exchange_user_begin",
    "exchange_user_begin:",
    "lock cmpxchg [rdi], edx",
    "mov [rsi], eax",
    "mov eax, 1",
    "ret",
    ".global exchange_user_fault",
    "exchange_user_fault:",
    "xor eax, eax",
    "ret",
    // Reads a guest word at once: rdi address, rsi where it goes. Answers 1, or 0 after a fault.
    ".global load_user_asm",
    "load_user_asm:",
    ".global load_user_begin",
    "load_user_begin:",
    "mov ecx, [rdi]",
    "mov [rsi], ecx",
    "mov eax, 1",
    "ret",
    ".global load_user_fault",
    "load_user_fault:",
    "xor eax, eax",
    "ret",
    // Signal handlers of the host return here.
    ".global host_restorer",
    "host_restorer:",
    "mov eax, 15",
    "syscall",
    "ud2",
    // rdi: signal frame (its `ucontext` is at +8). Leaves the kernel.
    ".global leave_by_signal_frame",
    "leave_by_signal_frame:",
    "lea rsp, [rdi + 8]",
    "mov eax, 15",
    "syscall",
    "ud2",
    // rdi flags, rsi stack, rdx parent tid, r12 per-thread data. A thread begins at `host_thread_begin`.
    ".global clone_thread_asm",
    "clone_thread_asm:",
    "push r12",
    "mov r12, rcx",
    "xor r8d, r8d",
    "xor r10d, r10d",
    "mov eax, 56",
    "syscall",
    "test rax, rax",
    "jz 4f",
    "pop r12",
    "ret",
    "4:",
    "wrgsbase r12",
    "xor ebp, ebp",
    "mov rdi, r12",
    "call {begin}",
    "ud2",
    // rdi: word of the slot bitmap, rsi: mask that clears the bit. Gives the stack back, then ends without it.
    ".global end_thread_asm",
    "end_thread_asm:",
    "lock and [rdi], rsi",
    "xor edi, edi",
    "mov eax, 60",
    "syscall",
    "ud2",
    // rdi: stack, rsi: function, rdx: its argument.
    ".global switch_stack_asm",
    "switch_stack_asm:",
    "mov rsp, rdi",
    "xor ebp, ebp",
    "mov rdi, rdx",
    "call rsi",
    "ud2",
    // rdi: area, rsi: xmm0-15 of user code, rdx: features.
    ".global save_vector_asm",
    "save_vector_asm:",
    "movups xmm0, [rsi + 0x00]",
    "movups xmm1, [rsi + 0x10]",
    "movups xmm2, [rsi + 0x20]",
    "movups xmm3, [rsi + 0x30]",
    "movups xmm4, [rsi + 0x40]",
    "movups xmm5, [rsi + 0x50]",
    "movups xmm6, [rsi + 0x60]",
    "movups xmm7, [rsi + 0x70]",
    "movups xmm8, [rsi + 0x80]",
    "movups xmm9, [rsi + 0x90]",
    "movups xmm10, [rsi + 0xa0]",
    "movups xmm11, [rsi + 0xb0]",
    "movups xmm12, [rsi + 0xc0]",
    "movups xmm13, [rsi + 0xd0]",
    "movups xmm14, [rsi + 0xe0]",
    "movups xmm15, [rsi + 0xf0]",
    "mov eax, edx",
    "shr rdx, 32",
    "xsave [rdi]",
    "ret",
    frame = const FRAME_SIZE,
    system_call = sym super::trap::fast_system_call,
    pending = sym super::trap::fast_pending,
    begin = sym super::threads::host_thread_begin,
);

unsafe extern "C" {
    fn copy_user_asm(to: *mut u8, from: *const u8, len: usize) -> usize;
    fn exchange_user_asm(word: *mut u32, expected: *mut u32, new: u32) -> u32;
    fn load_user_asm(word: *const u32, into: *mut u32) -> u32;
    pub(super) fn leave_by_signal_frame(frame: *const u8) -> !;
    pub(super) fn host_restorer();
    pub(super) fn clone_thread_asm(flags: u64, stack: u64, parent_tid: *const i32, per_thread: u64) -> isize;
    pub(super) fn end_thread_asm(word: *const u64, mask: u64) -> !;
    pub(super) fn switch_stack_asm(stack: u64, function: extern "C" fn(u64) -> !, argument: u64) -> !;
    fn save_vector_asm(area: *mut u8, xmm: *const u8, features: u64);
    /// The fast entry, for patched sites.
    pub fn fast_entry();
    pub(super) static copy_user_begin: u8;
    pub(super) static copy_user_fault: u8;
    pub(super) static exchange_user_begin: u8;
    pub(super) static exchange_user_fault: u8;
    pub(super) static load_user_begin: u8;
    pub(super) static load_user_fault: u8;
    pub(super) static fast_exit: u8;
    pub(super) static fast_exit_jump: u8;
    pub(super) static fast_exit_end: u8;
}

/// Copies between kernel and guest memory; answers how many bytes are left when a fault stopped it.
///
/// # Safety
/// One side is valid kernel memory, the other one lies in the guest's range.
pub unsafe fn copy_user(to: *mut u8, from: *const u8, len: usize) -> usize {
    // SAFETY: the caller's promise; faults are handled.
    unsafe { copy_user_asm(to, from, len) }
}

/// Atomic compare-exchange on an aligned guest word; `expected` gets the old value. `false`: it faulted.
///
/// # Safety
/// The word lies in the guest's range.
pub unsafe fn compare_exchange_user(word: *mut u32, expected: &mut u32, new: u32) -> bool {
    // SAFETY: the caller's promise; faults are handled.
    unsafe { exchange_user_asm(word, expected, new) != 0 }
}

/// Reads an aligned guest word in one access. `None`: it faulted.
///
/// # Safety
/// The word lies in the guest's range.
pub unsafe fn load_user(word: *const u32) -> Option<u32> {
    let mut value = 0;
    // SAFETY: the caller's promise; faults are handled.
    (unsafe { load_user_asm(word, &raw mut value) } != 0).then_some(value)
}

/// XSAVE with `xmm0-15` loaded first.
///
/// # Safety
/// The area is 64-byte aligned and large enough for the features.
pub(super) unsafe fn save_vector(area: *mut u8, xmm: *const u8, features: u64) {
    // SAFETY: the caller's promise. The function changes only registers that a call may change.
    unsafe { save_vector_asm(area, xmm, features) };
}

/// Clears the alignment-check flag that the application may have set.
pub(super) fn clear_alignment_check() {
    // SAFETY: changes one flag; the stack is ours.
    unsafe { asm!("pushfq", "and dword ptr [rsp], ~0x40000", "popfq") }
}
