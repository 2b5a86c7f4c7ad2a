//! What belongs to this boot and never travels in an image: the boot page, the kernel's few mutable
//! words beside it, and the per-thread data that `GS` points to.
//!
//! # Safety
//! The boot page is mapped, readable and writable, before any other code of the kernel runs, and
//! stays; its plain fields are written under the kernel lock or by the one thread of a boot. `GS`
//! points to the [`PerThread`] of the running host thread from its first instruction on.
#![allow(unsafe_code)]

use crate::Kernel;
use abi::boot::{BootPage, Stamp};
use core::cell::Cell;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering::Relaxed};

/// The kernel's mutable words of this boot, in the second half of the boot page.
#[repr(C)]
pub struct Local {
    /// Base of the kernel heap, for the allocator; 0: there is none yet.
    pub heap: AtomicU64,
    /// The kernel lock while this is the sandbox's only host process: 0 free, 1 held, 2 held with sleepers.
    pub lock: AtomicU32,
    /// Hostcalls made since the clone.
    pub hostcalls: AtomicU32,
    /// `mmap` family hostcalls among them.
    pub mappings: AtomicU32,
    /// Host threads alive.
    pub host_threads: AtomicU32,
    /// Process id of this host process in its own namespace.
    pub host_pid: AtomicI32,
    /// Descriptor of the control socket.
    pub control_fd: AtomicI32,
    /// Number of this host process in the state: 0 for the sandbox's first.
    pub host: AtomicU32,
    /// The sandbox has (or had) several host processes: [`Common`] is there.
    pub shared: AtomicU32,
    /// This host process ends: none of its threads may look at the state any more.
    pub gone: AtomicU32,
    /// Threads of this host process that are about to get the lock that is shared with others.
    pub acquiring: AtomicU32,
    /// Slot of the first host thread, without which the host calls the process a zombie.
    pub leader: AtomicU32,
    /// Set while all threads are being stopped.
    pub stopping: AtomicU32,
    /// The thread whose next return to user code is the end of the boot; 0: nobody's yet.
    pub stamp_resume: AtomicU32,
    /// Descriptor of the image that this boot continues from, plus 1, while guest processes of it may lie there only;
    /// else 0.
    pub image_fd: AtomicI32,
    /// Whether this instance gives way to others, and when ([`crate::boot::crowd`]).
    pub give_way: AtomicU32,
    /// The process registered for `membarrier`.
    pub membarrier_ready: AtomicU32,
    /// A crash report is being written: the second one just ends.
    pub crashing: AtomicU32,
    /// System calls noted in `last_calls` so far.
    pub calls: AtomicU32,
    /// The last system calls, for the crash report: thread (23 bits), number (9 bits), result (32 bits).
    pub last_calls: [AtomicU64; 16],
    /// Bitmap of stack slots in use.
    pub slots: [AtomicU64; 128],
}

/// Per-thread data of a host thread, at the top of its stack slot.
#[repr(C)]
pub struct PerThread {
    /// Address of this structure (`GS:0`).
    pub this: u64,
    /// The user's stack pointer while the fast entry switches stacks (`GS:8`).
    pub user_rsp: u64,
    /// Where the kernel stack starts (`GS:16`).
    pub stack_top: u64,
    /// The [`crate::entry::Frame`] of the current entry, 0 in user mode (`GS:24`).
    pub frame: Cell<u64>,
    /// Work to do before returning to user code (`GS:32`).
    pub pending: AtomicU32,
    /// Zero (`GS:36`).
    pub reserved: u32,
    /// Guest thread that this host thread runs, 0: none (`GS:40`).
    pub tid: Cell<u32>,
    /// Host thread id (`GS:44`), written by the host kernel at the clone.
    pub host_tid: AtomicI32,
    /// The word this thread parks on (`GS:48`): 1 when woken.
    pub wake: AtomicU32,
    /// Number of its stack slot (`GS:52`).
    pub slot: u32,
}

/// What the host processes of a sandbox share besides the heap: words that can't lie in it, because the heap is only
/// looked at under the lock, and is an image section.
#[repr(C)]
pub struct Common {
    /// The kernel lock: 0 free, 1 held.
    pub lock: AtomicU32,
    /// Host threads that sleep for it, or are about to.
    pub waiters: AtomicU32,
    /// The host process that holds it.
    pub holder: AtomicI32,
    /// The descriptor that sleepers read.
    pub sleep: AtomicI32,
    /// The sandbox ends, with this status and bit 8 set.
    pub ending: AtomicU32,
    /// The sandbox is frozen: its host processes are about to be ended, in any order.
    pub frozen: AtomicU32,
}

/// See [`Common`]; only once there are several host processes.
pub fn common() -> Option<&'static Common> {
    if local().shared.load(Relaxed) == 0 {
        return None;
    }
    // SAFETY: mapped before the word was set; all atomics.
    Some(unsafe { &*(abi::layout::COMMON_PAGE as *const Common) })
}

/// The image that this boot continues from, while guest processes of it may lie there only.
pub fn image() -> Option<crate::host::HostFd> {
    let fd = local().image_fd.load(Relaxed);
    (fd != 0).then_some(crate::host::HostFd(fd - 1))
}

/// Keeps the image for that.
pub fn keep_image(image: crate::host::HostFd) {
    local().image_fd.store(image.0 + 1, Relaxed);
}

/// The boot page.
pub fn boot_page() -> &'static BootPage {
    // SAFETY: see the module documentation.
    unsafe { &*(abi::layout::BOOT_PAGE as *const BootPage) }
}

/// Notes a finished system call for the crash report.
pub fn note_call(tid: u32, number: i64, result: u64) {
    let local = local();
    let index = local.calls.fetch_add(1, Relaxed) as usize % local.last_calls.len();
    let call = u64::from(tid) << 41 | (number as u64 & 0x1ff) << 32 | result & 0xffff_ffff;
    local.last_calls[index].store(call, Relaxed);
}

/// Changes the boot page.
///
/// # Safety
/// Only under the kernel lock, or by the one thread of a boot.
pub unsafe fn change_boot_page(change: impl FnOnce(&mut BootPage)) {
    // SAFETY: the caller's promise: nobody else looks.
    change(unsafe { &mut *(abi::layout::BOOT_PAGE as *mut BootPage) });
}

#[cfg(not(test))]
mod place {
    use super::{Kernel, Local, PerThread};

    /// The kernel's mutable words.
    pub fn local() -> &'static Local {
        // SAFETY: all atomics; the page is mapped (module documentation).
        unsafe { &*((abi::layout::BOOT_PAGE + 2048) as *const Local) }
    }

    /// The state.
    pub fn root() -> &'static Kernel {
        // SAFETY: set at boot before anything asks; guarded by the kernel lock.
        unsafe { &*(super::boot_page().root as *const Kernel) }
    }

    /// The running host thread's data.
    pub fn per_thread() -> &'static PerThread {
        let address: u64;
        // SAFETY: `GS:0` holds the address of the structure itself.
        unsafe {
            core::arch::asm!("mov {}, gs:[0]", out(reg) address, options(nostack, preserves_flags, readonly));
            &*(address as *const PerThread)
        }
    }
}

pub use place::{local, per_thread, root};

/// Makes this boot another one than all before: every [`crate::task::poller::HostHandle`] is disconnected.
pub fn set_generation(generation: u64) {
    // SAFETY: called by the one thread of a boot.
    unsafe { change_boot_page(|page| page.generation = generation) };
}

/// Counts a hostcall.
pub fn count_hostcall(number: u32) {
    #[cfg(not(test))]
    {
        local().hostcalls.fetch_add(1, Relaxed);
        if matches!(number, abi::hostcalls::MMAP | abi::hostcalls::MUNMAP | abi::hostcalls::MREMAP) {
            local().mappings.fetch_add(1, Relaxed);
        }
    }
    #[cfg(test)]
    let _ = (number, Relaxed);
}

/// Records that a point of the boot path was passed, if it was not before.
pub fn stamp(point: Stamp) {
    stamp_at(point, crate::time::host_monotonic_ns());
}

/// As [`stamp`], for a moment in the past.
pub fn stamp_at(point: Stamp, now: u64) {
    let (hostcalls, mappings) = (local().hostcalls.load(Relaxed), local().mappings.load(Relaxed));
    // SAFETY: under the kernel lock, or in a boot's one thread.
    unsafe {
        change_boot_page(|page| {
            if page.stamps[point as usize] == 0 {
                page.stamps[point as usize] = now;
                page.hostcalls[point as usize] = hostcalls;
                page.mappings[point as usize] = mappings;
            }
        });
    }
}

// `tests/hostile/hostile.h` finds the control socket there.
const _: () = assert!(core::mem::offset_of!(Local, control_fd) == 28);
// The boot page holds both halves.
const _: () = assert!(size_of::<BootPage>() <= 2048 && size_of::<Local>() <= 2048);

/// In unit tests each test thread has a kernel of its own.
#[cfg(test)]
mod place {
    use super::{Kernel, Local, PerThread};
    use std::boxed::Box;

    std::thread_local! {
        static KERNEL: &'static Kernel = Box::leak(Box::default());
        // SAFETY: integers and atomics, for which zero is a value.
        static LOCAL: &'static Local = Box::leak(Box::new(unsafe { core::mem::zeroed() }));
        // SAFETY: as above.
        static THREAD: &'static PerThread = Box::leak(Box::new(unsafe { core::mem::zeroed() }));
    }

    /// The test thread's words.
    pub fn local() -> &'static Local {
        LOCAL.with(|local| *local)
    }

    /// The test thread's kernel.
    pub fn root() -> &'static Kernel {
        KERNEL.with(|kernel| *kernel)
    }

    /// The test thread's data.
    pub fn per_thread() -> &'static PerThread {
        THREAD.with(|thread| *thread)
    }
}
