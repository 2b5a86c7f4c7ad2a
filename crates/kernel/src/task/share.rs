//! From one host process to several: the first `fork` of a sandbox makes its kernel heap memory that all its host
//! processes share.
//!
//! The host has no mapping that is shared by several processes *and* copy-on-write of a file, so a sandbox that never
//! forks keeps its heap private, which costs nothing; the first `fork` pays. All other host threads are stopped, as
//! for an image; the heap is copied into memory from the monitor, which is mapped in its place, with room to grow;
//! then the threads get host threads again. The same memory holds the words of [`crate::local::Common`] and the arena
//! of [`crate::mm::shared`]. It is mapped as a whole before the first clone, so every host process has all of it.
//!
//! # Safety
//! One host thread, which holds the kernel lock, while the heap is moved; it allocates nothing meanwhile.
#![allow(unsafe_code)]

use super::dormant;
use crate::boot::HEAP;
use crate::errno::{ENOMEM, Errno};
use crate::host::{self, HostFd, map_flags, protection};
use crate::local::{Common, boot_page, local};
use crate::snapshot::freeze;
use crate::{control, kernel};
use abi::layout::{COMMON_PAGE, DUMP, MEMORY_COMMON, PAGE_SIZE};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

const RW: u32 = protection::READ | protection::WRITE;

/// Makes the state ready for several host processes, if it is not.
///
/// # Errors
/// `ENOMEM` when the monitor or the host gives no memory.
pub fn prepare() -> Result<(), Errno> {
    if local().shared.load(Relaxed) != 0 {
        return Ok(());
    }
    freeze::stop_all_others();
    let result = move_heap();
    local().stopping.store(0, SeqCst);
    start_all();
    result
}

/// Threads that were stopped are data; each gets a host thread, as nobody else could give it one later: who wakes
/// it may be another host process.
fn start_all() {
    let (own, host) = (crate::local::per_thread().tid.get(), local().host.load(Relaxed));
    let threads: alloc::vec::Vec<_> = kernel().tasks.threads.borrow().values().cloned().collect();
    for thread in threads.iter().filter(|thread| thread.tid.0 != own && thread.host() == host) {
        dormant::give_host_thread(thread);
    }
}

fn move_heap() -> Result<(), Errno> {
    crate::mm::shared::need_arena()?;
    move_to(control::memory()?)
}

fn move_to(memory: HostFd) -> Result<(), Errno> {
    let sleep = host::waiting_eventfd()?;
    let shared = map_flags::SHARED | map_flags::NORESERVE;
    // SAFETY: nothing lies there.
    unsafe {
        host::map(COMMON_PAGE, PAGE_SIZE, RW, shared | map_flags::FIXED, Some((memory, MEMORY_COMMON)))?;
    }
    // SAFETY: this thread holds the lock, and nothing here allocates.
    let (base, len) = match unsafe { HEAP.heap() } {
        Some(heap) => (heap.base(), heap.len()),
        None => return Err(ENOMEM),
    };
    copy_pages(memory, base, len)?;
    // SAFETY: the pages now hold what lies at the same addresses; what follows them is the heap's reserve.
    unsafe { host::map(base, MEMORY_COMMON, RW, shared | map_flags::FIXED, Some((memory, 0))) }?;
    // SAFETY: just mapped; zeros are a value.
    let common = unsafe { &*(COMMON_PAGE as *const Common) };
    common.sleep.store(sleep.0, Relaxed);
    // The lock is held, and from here on by its new word.
    common.holder.store(local().host_pid.load(Relaxed), Relaxed);
    common.lock.store(1, SeqCst);
    local().shared.store(1, SeqCst);
    kernel().tasks.hosts.current().pid.set(local().host_pid.load(Relaxed));
    debug_assert_eq!(boot_page().heap_base, base);
    Ok(())
}

/// Copies the heap's pages that hold something, so that the memory stays sparse.
fn copy_pages(memory: HostFd, base: u64, len: u64) -> Result<(), Errno> {
    // SAFETY: nothing lies there but a dump, which is not made while the sandbox runs.
    unsafe {
        host::map(DUMP, len, RW, map_flags::SHARED | map_flags::FIXED | map_flags::NORESERVE, Some((memory, 0)))
    }?;
    for offset in (0..len).step_by(PAGE_SIZE as usize) {
        // SAFETY: both are mapped, page-aligned, and used by nobody meanwhile.
        unsafe {
            let from = core::slice::from_raw_parts((base + offset) as *const u64, PAGE_SIZE as usize / 8);
            if from.iter().any(|word| *word != 0) {
                core::ptr::copy_nonoverlapping(from.as_ptr(), (DUMP + offset) as *mut u64, from.len());
            }
        }
    }
    // SAFETY: mapped above.
    unsafe { host::unmap(DUMP, len) }
}
