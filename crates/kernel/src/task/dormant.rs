//! Dormant threads: guest threads that are data, and how they come to life.

use super::{Thread, Tid, host_process, park};
use crate::kernel;
use crate::local::{local, per_thread};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Dormant threads that were woken and wait for a host thread.
#[derive(Default)]
pub struct Runnable {
    queue: RefCell<VecDeque<Tid>>,
}

impl Runnable {
    /// Takes the next one.
    pub fn take(&self) -> Option<Rc<Thread>> {
        loop {
            let tid = self.queue.borrow_mut().pop_front()?;
            if let Some(thread) = kernel().thread(tid)
                && thread.slot.get().is_none()
            {
                return Some(thread);
            }
        }
    }

    /// Queues a thread that is not waiting, once.
    pub fn add(&self, tid: Tid) {
        let mut queue = self.queue.borrow_mut();
        if !queue.contains(&tid) {
            queue.push_back(tid);
        }
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.queue.borrow_mut().clear();
    }

    /// The first one.
    pub fn first(&self) -> Option<Tid> {
        self.queue.borrow().front().copied()
    }

    /// Gives host threads to all but the first, which is the calling one's to run. At the beginning of a boot.
    pub fn start_all_but_first(&self) {
        while self.queue.borrow().len() > 1 {
            let Some(tid) = self.queue.borrow_mut().pop_back() else { break };
            if host_process::start_host_thread(Some(tid)).is_err() {
                self.add(tid);
                break;
            }
        }
    }

    /// Gives host threads to those that another host process has woken, unless the calling one is idle and takes them.
    pub fn start_all_from_outside(&self) {
        if per_thread().tid.get() == 0 {
            return;
        }
        while let Some(thread) = self.take() {
            if host_process::start_host_thread(Some(thread.tid)).is_err() {
                self.add(thread.tid);
                break;
            }
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }
}

/// Queues a thread that is not waiting with its host process, before anything runs.
pub fn queue(thread: &Rc<Thread>) {
    if let Some(host) = kernel().tasks.hosts.get(thread.host()) {
        host.poller.runnable.add(thread.tid);
    }
}

/// Gives a thread of the calling host process a host thread of its own; it waits for one when there is none to be had.
pub fn give_host_thread(thread: &Rc<Thread>) {
    if host_process::start_host_thread(Some(thread.tid)).is_err() {
        kernel().tasks.hosts.current().poller.runnable.add(thread.tid);
    }
}

/// Gives a dormant thread a host thread: an idle one that adopts it, or a new one. While threads are being stopped
/// it stays data, woken.
pub fn make_runnable(thread: &Rc<Thread>) {
    let number = thread.host();
    if number != local().host.load(Relaxed) {
        // Its own host process sees to it, or is to be made.
        if let Some(other) = kernel().tasks.hosts.get(number) {
            other.poller.runnable.add(thread.tid);
            if other.asleep.get() {
                kernel().tasks.hosts.due.set(true);
            } else {
                other.poller.ring();
            }
        }
        return;
    }
    let host = kernel().tasks.hosts.current();
    let poller = &host.poller;
    // An idle host thread adopts one; those woken with it get host threads of their own.
    if let Some(slot) = poller.idle_slot().filter(|_| poller.runnable.is_empty()) {
        poller.runnable.queue.borrow_mut().push_back(thread.tid);
        if slot != per_thread().slot {
            park::wake_own_slot(slot);
        }
        return;
    }
    if local().stopping.load(SeqCst) != 0 {
        return;
    }
    if host_process::start_host_thread(Some(thread.tid)).is_err() {
        // No host thread to be had now: the next one that rests takes it.
        poller.runnable.queue.borrow_mut().push_back(thread.tid);
    }
}
