//! The host process of a sandbox: its host threads, their stack slots, and their beginning and end.
//!
//! A host thread has a slot: kernel stack and [`PerThread`] data at a fixed place. It runs one guest
//! thread at a time; when it has none it is *idle*: it may hold the poller role, or end.
//!
//! # Safety
//! A slot belongs to one host thread from `take_slot` to the thread's last instruction, which gives it
//! back ([`crate::entry::end_host_thread`]).
#![allow(unsafe_code)]

use super::Tid;
use crate::errno::{EAGAIN, Errno};
use crate::host::{self, map_flags, protection};
use crate::local::{PerThread, local};
use abi::layout::{STACK_SLOT, STACKS};
use core::cell::Cell;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// What the state knows of host threads.
#[derive(Default)]
pub struct HostProcess {
    /// Idle host threads that are parked and can adopt a dormant guest thread.
    pub idle: Cell<u32>,
}

/// Bytes at the top of a slot for [`PerThread`].
const PER_THREAD: u64 = 128;

/// The per-thread data of a slot.
pub fn per_thread_of(slot: u32) -> &'static PerThread {
    // SAFETY: slots in use are mapped; all fields that others touch are atomic.
    unsafe { &*((STACKS + (u64::from(slot) + 1) * STACK_SLOT - PER_THREAD) as *const PerThread) }
}

/// Takes a free slot, maps it and fills in its per-thread data.
///
/// # Errors
/// `EAGAIN` when there are too many threads or no memory.
pub fn take_slot() -> Result<u32, Errno> {
    let slot = reserve()?;
    let start = STACKS + u64::from(slot) * STACK_SLOT;
    // The lowest page stays unmapped: a kernel stack overflow faults.
    // SAFETY: the slot is ours and holds nothing.
    let mapped = unsafe {
        host::map(
            start + 4096,
            STACK_SLOT - 4096,
            protection::READ | protection::WRITE,
            map_flags::PRIVATE | map_flags::ANONYMOUS | map_flags::FIXED | map_flags::NORESERVE,
            None,
        )
    };
    if mapped.is_err() {
        give_slot(slot);
        return Err(EAGAIN);
    }
    let top = start + STACK_SLOT - PER_THREAD;
    // SAFETY: just mapped; nobody else knows it.
    unsafe {
        (top as *mut PerThread).write(PerThread {
            this: top,
            user_rsp: 0,
            stack_top: top,
            frame: Cell::new(0),
            pending: 0.into(),
            reserved: 0,
            tid: Cell::new(0),
            host_tid: 0.into(),
            wake: 0.into(),
            slot,
        });
    }
    Ok(slot)
}

fn reserve() -> Result<u32, Errno> {
    for (index, word) in local().slots.iter().enumerate() {
        let mut old = word.load(Relaxed);
        while old != u64::MAX {
            let bit = (!old).trailing_zeros();
            match word.compare_exchange_weak(old, old | 1 << bit, Acquire, Relaxed) {
                Ok(_) => return Ok(index as u32 * 64 + bit),
                Err(now) => old = now,
            }
        }
    }
    Err(EAGAIN)
}

/// The slots of all host threads.
pub fn slots_in_use() -> impl Iterator<Item = u32> {
    let words = local().slots.iter().enumerate();
    words.flat_map(|(index, word)| {
        let word = word.load(Acquire);
        (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index as u32 * 64 + bit)
    })
}

/// Gives a slot back. The memory stays mapped for the next one.
pub fn give_slot(slot: u32) {
    local().slots[slot as usize / 64].fetch_and(!(1 << (slot % 64)), AcqRel);
}

/// Makes a host thread that runs this guest thread (or none: an idle one that polls).
///
/// # Errors
/// `EAGAIN`.
pub fn start_host_thread(guest: Option<Tid>) -> Result<(), Errno> {
    let slot = take_slot()?;
    let per_thread = per_thread_of(slot);
    per_thread.tid.set(guest.map_or(0, |tid| tid.0));
    if let Some(thread) = guest.and_then(|tid| crate::kernel().thread(tid)) {
        thread.slot.set(Some(slot));
    }
    local().host_threads.fetch_add(1, AcqRel);
    // SAFETY: the slot is fresh and belongs to the new thread.
    match unsafe { crate::entry::clone_thread(per_thread) } {
        Ok(()) => Ok(()),
        Err(errno) => {
            local().host_threads.fetch_sub(1, AcqRel);
            give_slot(slot);
            if let Some(thread) = guest.and_then(|tid| crate::kernel().thread(tid)) {
                thread.slot.set(None);
            }
            Err(errno)
        }
    }
}

/// The host's number of a host thread. The first one was not made by a clone that writes it: it has the number of the
/// process.
pub fn host_tid(per_thread: &PerThread) -> i32 {
    match per_thread.host_tid.load(Acquire) {
        0 => local().host_pid.load(Relaxed),
        number => number,
    }
}

/// Interrupts the host thread in a slot, wherever it is: in user code it enters the kernel, in the kernel it
/// looks at its pending work before it leaves.
pub fn interrupt(slot: u32) {
    let per_thread = per_thread_of(slot);
    per_thread.pending.store(1, core::sync::atomic::Ordering::SeqCst);
    if per_thread.slot != crate::local::per_thread().slot {
        host::kick(local().host_pid.load(Relaxed), host_tid(per_thread));
    }
}
