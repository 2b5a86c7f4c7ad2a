//! The border with user code: the only code that sees registers.
//!
//! Three ways lead in, all onto the thread's kernel stack (which is also its alternate signal stack, so that
//! a fault in the kernel nests below the live frame instead of overwriting it):
//!
//! * **Trap**: the filter answers a system call outside the kernel's text with `SIGSYS`; the handler in
//!   [`trap`] finds the user registers in the host's signal frame and leaves through `rt_sigreturn`.
//! * **Fast entry**: a patched site jumps to [`asm`]'s `fast_entry`, which saves registers and `xmm0-15` in a
//!   [`Frame`] and leaves by a plain jump.
//! * **Interrupt and fault**: a kick, or a fault of user code, likewise through a signal frame.
//!
//! Work that turns up while a thread leaves is not lost: a kick in the kernel sets `PerThread::pending`, and
//! one that hits the last instructions of the fast way out sends them back to look again.
//!
//! # Safety
//! The handlers run only on host threads whose `GS` points to their [`PerThread`](crate::local::PerThread);
//! the assembly states its own promises.
#![allow(unsafe_code)]

pub mod asm;
pub mod crash;
pub mod frame;
pub mod threads;
pub mod trap;
pub mod vdso;

pub use asm::{compare_exchange_user, copy_user, load_user};
pub use frame::{Fault, Frame};
pub use threads::{clone_thread, end_host_thread};

/// A clock of the host, ns. The host's vDSO answers those of the wall and of the machine; for CPU time it would make a
/// system call itself, from outside the kernel's text.
pub fn host_clock(clock: i32) -> u64 {
    #[cfg(not(test))]
    {
        let function = crate::local::boot_page().vdso_clock_gettime;
        if function != 0 && matches!(clock, 0 | 1 | 4..=7) {
            let mut time = [0u64; 2];
            // SAFETY: the address of `clock_gettime` in the host vDSO, found at start.
            let function: extern "C" fn(i32, *mut [u64; 2]) -> i32 = unsafe { core::mem::transmute(function) };
            if function(clock, &mut time) == 0 {
                return time[0] * 1_000_000_000 + time[1];
            }
        }
    }
    crate::host::clock_gettime(clock).unwrap_or(0)
}

/// Sets the application's thread pointer of the running host thread.
pub fn set_fs_base(address: u64) {
    // SAFETY: the kernel itself does not use FS.
    unsafe { core::arch::asm!("wrfsbase {}", in(reg) address, options(nostack, preserves_flags)) }
}

/// The application's thread pointer of the running host thread.
pub fn fs_base() -> u64 {
    let address;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("rdfsbase {}", out(reg) address, options(nostack, preserves_flags)) }
    address
}
