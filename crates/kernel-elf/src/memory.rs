//! `memcpy` and its relatives, which compiled code calls. Short blocks go by overlapping loads and
//! stores (most allocations are short, and `rep` instructions take 30 cycles to start), long ones by
//! `rep movsb` and `rep stosb`.
//!
//! # Safety
//! The C standard's promises about the arguments. Loops are assembly so that the compiler does not
//! recognise them as the very functions they are.

use core::arch::asm;

/// From this length on the `rep` instructions win.
const LONG: usize = 512;

unsafe fn short(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: at most 32 bytes, all loaded before the first store.
    unsafe {
        match len {
            0 => {}
            1 => *to = *from,
            2..=3 => {
                let (head, tail) = (from.cast::<u16>().read_unaligned(), *from.add(len - 1));
                to.cast::<u16>().write_unaligned(head);
                *to.add(len - 1) = tail;
            }
            4..=7 => {
                let (head, tail) =
                    (from.cast::<u32>().read_unaligned(), from.add(len - 4).cast::<u32>().read_unaligned());
                to.cast::<u32>().write_unaligned(head);
                to.add(len - 4).cast::<u32>().write_unaligned(tail);
            }
            8..=15 => {
                let (head, tail) =
                    (from.cast::<u64>().read_unaligned(), from.add(len - 8).cast::<u64>().read_unaligned());
                to.cast::<u64>().write_unaligned(head);
                to.add(len - 8).cast::<u64>().write_unaligned(tail);
            }
            _ => {
                let (head, tail) =
                    (from.cast::<u128>().read_unaligned(), from.add(len - 16).cast::<u128>().read_unaligned());
                to.cast::<u128>().write_unaligned(head);
                to.add(len - 16).cast::<u128>().write_unaligned(tail);
            }
        }
    }
}

/// `memcpy(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        if len <= 32 {
            short(to, from, len);
        } else if len < LONG {
            forward(to, from, len);
        } else {
            asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") len => _,
                 options(nostack, preserves_flags));
        }
    }
    to
}

/// 16 bytes at a time from the start, then the last 16 (loaded first): right for `to` below `from` too.
unsafe fn forward(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: the caller's promise; `len` is above 16.
    unsafe {
        let tail = from.add(len - 16).cast::<u128>().read_unaligned();
        asm!(
            "2:",
            "movups {v}, [{from}]",
            "movups [{to}], {v}",
            "add {from}, 16",
            "add {to}, 16",
            "sub {len}, 16",
            "ja 2b",
            v = out(xmm_reg) _,
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            len = inout(reg) len - 16 => _,
            options(nostack),
        );
        to.add(len - 16).cast::<u128>().write_unaligned(tail);
    }
}

/// `memmove(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        if len <= 32 {
            short(to, from, len);
        } else if (to as usize) <= (from as usize) || to as usize >= from as usize + len {
            forward(to, from, len);
        } else {
            let head = from.cast::<u128>().read_unaligned();
            asm!(
                "2:",
                "movups {v}, [{from} + {len}]",
                "movups [{to} + {len}], {v}",
                "sub {len}, 16",
                "ja 2b",
                v = out(xmm_reg) _,
                from = in(reg) from,
                to = in(reg) to,
                len = inout(reg) len - 16 => _,
                options(nostack),
            );
            to.cast::<u128>().write_unaligned(head);
        }
    }
    to
}

/// `memset(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    let pattern = u64::from(byte as u8) * 0x0101_0101_0101_0101;
    // SAFETY: the caller's promise.
    unsafe {
        match len {
            0 => {}
            1..=7 => {
                asm!("2:", "mov byte ptr [{to} + {len} - 1], {byte}", "dec {len}", "jnz 2b",
                     to = in(reg) to, len = inout(reg) len => _, byte = in(reg_byte) byte as u8, options(nostack));
            }
            8..LONG => {
                asm!("2:", "mov [{at}], {pattern}", "add {at}, 8", "sub {len}, 8", "ja 2b",
                     at = inout(reg) to => _, len = inout(reg) len - 8 => _, pattern = in(reg) pattern, options(nostack));
                to.add(len - 8).cast::<u64>().write_unaligned(pattern);
            }
            _ => {
                asm!("rep stosb", inout("rdi") to => _, inout("rcx") len => _, in("al") byte as u8,
                     options(nostack, preserves_flags));
            }
        }
    }
    to
}

/// `memcmp(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    let mut at = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while at + 8 <= len {
            let (a, b) = (left.add(at).cast::<u64>().read_unaligned(), right.add(at).cast::<u64>().read_unaligned());
            if a != b {
                return if a.swap_bytes() < b.swap_bytes() { -1 } else { 1 };
            }
            at += 8;
        }
        while at < len {
            let (a, b) = (*left.add(at), *right.add(at));
            if a != b {
                return i32::from(a) - i32::from(b);
            }
            at += 1;
        }
    }
    0
}

/// `bcmp(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { memcmp(left, right, len) }
}

/// `strlen(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: the caller's promise: there is a zero.
    while unsafe { *text.add(len) } != 0 {
        len += 1;
    }
    len
}
