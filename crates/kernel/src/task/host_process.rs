//! The host processes of a sandbox, their host threads, their stack slots, and their beginning and end.
//!
//! A sandbox begins with one host process, number 0; each further one belongs to one address space of the guest and
//! begins as a clone ([`super::fork`]). All share descriptors and, from the first clone on, the kernel heap; stacks,
//! [`PerThread`] data and the boot page are each one's own. So a host thread is known by its host process and its
//! slot, and another process reaches it in two ways: by a kick, or through the bell of its process, whose poller
//! passes the wake on.
//!
//! A host thread has a slot: kernel stack and [`PerThread`] data at a fixed place. It runs one guest
//! thread at a time; when it has none it is *idle*: it may hold the poller role, or end.
//!
//! # Safety
//! A slot belongs to one host thread from `take_slot` to the thread's last instruction, which gives it
//! back ([`crate::entry::end_host_thread`]).
#![allow(unsafe_code)]

use super::poller::Poller;
use super::{Thread, Tid};
use crate::errno::{EAGAIN, Errno};
use crate::host::{self, map_flags, protection};
use crate::kernel;
use crate::local::{PerThread, local};
use abi::layout::{STACK_SLOT, STACKS};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// What the state knows of a host process.
#[derive(Default)]
pub struct HostProcess {
    /// Its number in the state.
    pub number: u32,
    /// Its process id in the sandbox's namespace; 0 until it is known.
    pub pid: Cell<i32>,
    /// What it watches, and who of its threads does.
    pub poller: Poller,
    /// It is to be: its guest memory lies in the image, its threads are data, until one of them has something to do.
    pub asleep: Cell<bool>,
    /// All its threads are data, for an image that another host process coordinates.
    pub stopped: Cell<bool>,
    /// Slots of its parked threads that other host processes have woken.
    woken: RefCell<Vec<u32>>,
}

impl HostProcess {
    /// Has one of its parked threads woken; by another host process.
    fn wake_from_outside(&self, slot: u32) {
        self.woken.borrow_mut().push(slot);
        self.poller.ring();
    }

    /// Passes on the wakes of others; by its own poller.
    pub fn pass_wakes_on(&self) {
        for slot in self.woken.take() {
            super::park::wake_own_slot(slot);
        }
    }
}

/// The host processes by number.
#[derive(Default)]
pub struct HostProcesses {
    first: Rc<HostProcess>,
    others: RefCell<BTreeMap<u32, Rc<HostProcess>>>,
    last: Cell<u32>,
    /// One that is asleep has something to do: [`super::awaken`].
    pub due: Cell<bool>,
}

impl HostProcesses {
    /// The one with this number.
    pub fn get(&self, number: u32) -> Option<Rc<HostProcess>> {
        if number == 0 { Some(self.first.clone()) } else { self.others.borrow().get(&number).cloned() }
    }

    /// The calling one.
    pub fn current(&self) -> Rc<HostProcess> {
        match self.get(local().host.load(Relaxed)) {
            Some(host) => host,
            None => crate::control::fatal("a host process that the state does not know"),
        }
    }

    /// One with a thread that polls.
    pub fn polling(&self) -> Option<Rc<HostProcess>> {
        if self.first.poller.holder().is_some() {
            return Some(self.first.clone());
        }
        self.others.borrow().values().find(|host| host.poller.holder().is_some()).cloned()
    }

    /// A watched descriptor is about to be closed.
    pub fn unwatch(&self, fd: host::HostFd) {
        self.first.poller.unwatch(fd);
        self.others.borrow().values().for_each(|host| host.poller.unwatch(fd));
    }

    /// One more.
    pub fn add(&self) -> Rc<HostProcess> {
        let number = self.last.get() + 1;
        self.last.set(number);
        let new = Rc::new(HostProcess { number, ..HostProcess::default() });
        self.others.borrow_mut().insert(number, new.clone());
        new
    }

    /// All but the calling one.
    pub fn all_others(&self) -> Vec<Rc<HostProcess>> {
        let own = local().host.load(Relaxed);
        let others = self.others.borrow();
        core::iter::once(&self.first).chain(others.values()).filter(|host| host.number != own).cloned().collect()
    }

    /// Whether one that is asleep has something to do, after a boot.
    pub fn note_due(&self) {
        if self.others.borrow().values().any(|host| host.asleep.get() && !host.poller.runnable.is_empty()) {
            self.due.set(true);
        }
    }

    /// One is at its end.
    pub fn remove(&self, number: u32) {
        let gone = self.others.borrow_mut().remove(&number);
        drop(gone);
    }

    /// Before an image is made: the first is left, and this many others are to be.
    pub fn fall_asleep(&self, others: u32) {
        drop(self.others.take());
        self.first.pid.set(0);
        self.first.stopped.set(false);
        self.first.woken.take();
        self.due.set(false);
        self.last.set(0);
        (0..others).for_each(|_| self.add().asleep.set(true));
    }
}

/// Wakes the host thread in a slot of a host process, parked or polling.
pub fn wake(host: u32, slot: u32) {
    if host == local().host.load(Relaxed) {
        super::park::wake_own_slot(slot);
    } else if let Some(other) = kernel().tasks.hosts.get(host) {
        other.wake_from_outside(slot);
    }
}

/// Interrupts the host thread of a guest thread, wherever it is, when it has one.
pub fn interrupt_thread(thread: &Thread) {
    let Some(slot) = thread.slot.get() else { return };
    let host = thread.host();
    if host == local().host.load(Relaxed) {
        interrupt(slot);
        return;
    }
    // One that has not begun to run looks at everything when it does.
    if let (Some(other), tid @ 1..) = (kernel().tasks.hosts.get(host), thread.host_tid.get()) {
        let _ = host::kick(other.pid.get(), tid);
    }
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
    if let Some(thread) = guest.and_then(|tid| kernel().thread(tid)) {
        thread.slot.set(Some(slot));
        thread.host_tid.set(0);
    }
    local().host_threads.fetch_add(1, AcqRel);
    // SAFETY: the slot is fresh and belongs to the new thread.
    match unsafe { crate::entry::clone_thread(per_thread) } {
        Ok(()) => Ok(()),
        Err(errno) => {
            local().host_threads.fetch_sub(1, AcqRel);
            give_slot(slot);
            if let Some(thread) = guest.and_then(|tid| kernel().thread(tid)) {
                thread.slot.set(None);
            }
            Err(errno)
        }
    }
}

/// The host's number of a host thread. The first one of a process was not made by a clone that writes it: it has the
/// number of the process.
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
        let _ = host::kick(local().host_pid.load(Relaxed), host_tid(per_thread));
    }
}
