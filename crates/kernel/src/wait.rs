//! Waiting: what a blocked system call leaves behind, and the queues that wake it.
//!
//! An object that can be waited for owns a [`WaitQueue`]. A handler that can't go on returns
//! [`crate::syscall::Stop::Wait`] with a [`WaitFor`] naming the queues; the dispatcher enters the thread
//! there, parks it, takes it out again when it is woken, and runs the handler once more with
//! [`crate::syscall::Context::resumed`] saying what woke it and how far the call had come.

use crate::kernel;
use crate::syscall::RestartRule;
use crate::task::Tid;
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use bitflags::bitflags;
use core::cell::{Cell, RefCell};

bitflags! {
    /// Readiness, with the numbers of `poll(2)` and `epoll(7)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Events: u32 {
        /// `POLLIN`.
        const IN = 0x001;
        /// `POLLPRI`.
        const PRI = 0x002;
        /// `POLLOUT`.
        const OUT = 0x004;
        /// `POLLERR`.
        const ERR = 0x008;
        /// `POLLHUP`.
        const HUP = 0x010;
        /// `POLLNVAL`.
        const NVAL = 0x020;
        /// `POLLRDNORM`.
        const RDNORM = 0x040;
        /// `POLLRDBAND`.
        const RDBAND = 0x080;
        /// `POLLWRNORM`.
        const WRNORM = 0x100;
        /// `POLLWRBAND`.
        const WRBAND = 0x200;
        /// `POLLMSG`.
        const MSG = 0x400;
        /// `POLLRDHUP`.
        const RDHUP = 0x2000;
    }
}

/// Somebody who wants to know when an object becomes ready.
pub trait Observer {
    /// The object the observer watches may have these events now; whether a thread was woken that takes them. Runs
    /// under the kernel lock; may wake threads, may not change the queue that calls it.
    fn notify(&self, events: Events) -> bool;

    /// Of several such observers only the first is told that has a thread to wake (`EPOLLEXCLUSIVE`).
    fn is_exclusive(&self) -> bool {
        false
    }

    /// The thread that it would wake.
    fn first_waiter(&self) -> Option<Tid> {
        None
    }
}

enum Waiter {
    Thread { tid: Tid, events: u32, exclusive: bool },
    Observer { id: usize, observer: Weak<dyn Observer> },
}

/// The waiters of one object.
#[derive(Default)]
pub struct WaitQueue {
    waiters: RefCell<VecDeque<Waiter>>,
    next_observer: Cell<usize>,
}

impl WaitQueue {
    /// An empty queue.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Enters a thread; the dispatcher does this for a [`WaitFor`].
    pub fn enter(&self, tid: Tid, events: u32, exclusive: bool) {
        self.waiters.borrow_mut().push_back(Waiter::Thread { tid, events, exclusive });
    }

    /// Takes a thread out, wherever it stands.
    pub fn leave(&self, tid: Tid) {
        self.waiters
            .borrow_mut()
            .retain(|waiter| !matches!(waiter, Waiter::Thread { tid: other, .. } if *other == tid));
    }

    /// Adds an observer (an epoll item); the number is for [`WaitQueue::unobserve`].
    pub fn observe(&self, observer: Weak<dyn Observer>) -> usize {
        let id = self.next_observer.get();
        self.next_observer.set(id + 1);
        self.waiters.borrow_mut().push_back(Waiter::Observer { id, observer });
        id
    }

    /// Removes an observer.
    pub fn unobserve(&self, id: usize) {
        self.waiters
            .borrow_mut()
            .retain(|waiter| !matches!(waiter, Waiter::Observer { id: other, .. } if *other == id));
    }

    /// Wakes everybody who waits for one of the events: all observers, all shared waiters and the first
    /// exclusive one. Threads that are woken stay entered until the dispatcher takes them out. Whether there was one.
    pub fn wake(&self, events: Events) -> bool {
        if self.waiters.borrow().is_empty() {
            return false;
        }
        let mut observers = Vec::new();
        let mut threads = Vec::new();
        let mut exclusive_taken = false;
        for waiter in self.waiters.borrow().iter() {
            match waiter {
                Waiter::Thread { tid, events: wanted, exclusive } => {
                    if wanted & events.bits() == 0 || (*exclusive && exclusive_taken) {
                        continue;
                    }
                    if crate::task::park::is_waiting(*tid) {
                        exclusive_taken |= exclusive;
                        threads.push(*tid);
                    }
                }
                Waiter::Observer { observer, .. } => observers.extend(observer.upgrade()),
            }
        }
        let mut woken = !threads.is_empty();
        for tid in threads {
            crate::task::park::wake(tid, Wake::Event);
        }
        for observer in observers {
            if !observer.is_exclusive() {
                woken |= observer.notify(events);
            } else if !exclusive_taken {
                exclusive_taken = observer.notify(events);
                woken |= exclusive_taken;
            }
        }
        woken
    }

    /// The thread that an event would wake first.
    pub fn first_waiter(&self) -> Option<Tid> {
        self.waiters.borrow().iter().find_map(|waiter| match waiter {
            Waiter::Thread { tid, .. } => crate::task::park::is_waiting(*tid).then_some(*tid),
            Waiter::Observer { observer, .. } => observer.upgrade()?.first_waiter(),
        })
    }

    /// Wakes the first `count` threads whose mask meets `bits` and takes them out, in order; answers how
    /// many. For futexes, whose waiters are woken one by one.
    pub fn wake_in_order(&self, bits: u32, count: usize) -> usize {
        let mut woken = Vec::new();
        self.waiters.borrow_mut().retain(|waiter| match waiter {
            Waiter::Thread { tid, events, .. }
                if woken.len() < count && events & bits != 0 && crate::task::park::is_waiting(*tid) =>
            {
                woken.push(*tid);
                false
            }
            _ => true,
        });
        for tid in &woken {
            self.note_woken(*tid);
            crate::task::park::wake(*tid, Wake::Event);
        }
        woken.len()
    }

    /// A thread that stands in several queues learns which of them woke it.
    fn note_woken(&self, tid: Tid) {
        let Some(thread) = kernel().thread(tid) else { return };
        let mut waiting = thread.waiting.borrow_mut();
        if let Some(wait) = waiting.as_mut().filter(|wait| wait.queues.len() > 1)
            && let Some(index) = wait.queues.iter().position(|(queue, _)| core::ptr::eq(Rc::as_ptr(queue), self))
        {
            wait.progress = Progress::Woken(index);
        }
    }

    /// The threads that stand in it and wait, in order.
    pub fn threads(&self) -> Vec<Tid> {
        let waits = |waiter: &Waiter| match waiter {
            Waiter::Thread { tid, .. } if crate::task::park::is_waiting(*tid) => Some(*tid),
            _ => None,
        };
        self.waiters.borrow().iter().filter_map(waits).collect()
    }

    /// Moves the first `count` threads to another queue (`FUTEX_REQUEUE`); answers who moved. The
    /// caller replaces the queue in each thread's [`WaitFor`]. The other queue is not this one.
    pub fn move_to(&self, other: &Self, count: usize) -> Vec<Tid> {
        let mut moved = Vec::new();
        self.waiters.borrow_mut().retain(|waiter| match waiter {
            Waiter::Thread { tid, events, exclusive } if moved.len() < count && crate::task::park::is_waiting(*tid) => {
                moved.push(*tid);
                other.enter(*tid, *events, *exclusive);
                false
            }
            _ => true,
        });
        moved
    }

    /// How many threads wait for one of the events.
    pub fn count(&self, events: u32) -> usize {
        let waiters = self.waiters.borrow();
        waiters
            .iter()
            .filter(|waiter| match waiter {
                Waiter::Thread { tid, events: wanted, .. } => {
                    wanted & events != 0 && crate::task::park::is_waiting(*tid)
                }
                Waiter::Observer { .. } => false,
            })
            .count()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.borrow().is_empty()
    }
}

/// What a blocked call waits for.
#[derive(Default)]
pub struct WaitFor {
    /// Queues and the events (or futex bits) of interest; empty: only time or a signal ends it.
    pub queues: Vec<(Rc<WaitQueue>, u32)>,
    /// Only one of several waiters of a queue is woken by an event (`accept`).
    pub exclusive: bool,
    /// Guest `CLOCK_MONOTONIC`, ns.
    pub deadline_ns: Option<u64>,
    /// How far the call has come.
    pub progress: Progress,
    /// A signal that ends the wait lets the call run once more, with [`Wake::Signal`], so that it can write
    /// back what is left of its time; it answers `EINTR` then.
    pub finishes: bool,
    /// Only a deadly signal ends it.
    pub killable_only: bool,
    /// What becomes of the call when a signal with a handler arrives; set by the dispatcher.
    pub rule: RestartRule,
    /// It may end by a connection from outside: the thread accepts, or polls the listener on the function's port.
    pub on_listener: bool,
    /// For people: `futex 0x…`, `accept :8080`.
    pub what: &'static str,
}

impl WaitFor {
    /// Waits for events of one queue.
    pub fn events(queue: &Rc<WaitQueue>, events: Events, what: &'static str) -> Self {
        Self { queues: alloc::vec![(queue.clone(), events.bits())], what, ..Self::default() }
    }

    /// Waits for a time, or a signal alone.
    pub fn time(deadline_ns: Option<u64>, what: &'static str) -> Self {
        Self { deadline_ns, what, ..Self::default() }
    }

    /// With a deadline.
    #[must_use]
    pub fn until(mut self, deadline_ns: Option<u64>) -> Self {
        self.deadline_ns = deadline_ns;
        self
    }

    /// With progress.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// How far a blocked call has come; kept while it waits and handed back when it is continued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Nothing yet.
    #[default]
    None,
    /// Bytes moved; what the call returns when a signal ends it.
    Bytes(usize),
    /// An absolute deadline computed from a relative time when the call began, guest monotonic ns.
    Deadline(u64),
    /// Bytes moved, and a deadline.
    BytesUntil(usize, u64),
    /// A child was made and is waited for (`vfork`): its number.
    Child(u32),
    /// The call has entered its wait; being woken by an event completes it (`FUTEX_WAIT`), after a signal that came
    /// to nothing it begins anew.
    Entered,
    /// As [`Progress::Entered`], with a deadline computed at the beginning.
    EnteredUntil(u64),
    /// The call waited in several queues, and was woken by name in this one.
    Woken(usize),
}

impl Progress {
    /// [`Progress::Entered`], with or without a deadline.
    pub fn entered(deadline_ns: Option<u64>) -> Self {
        deadline_ns.map_or(Self::Entered, Self::EnteredUntil)
    }

    /// The deadline that was computed when the call began.
    pub fn deadline(self) -> Option<u64> {
        match self {
            Self::Deadline(at) | Self::EnteredUntil(at) | Self::BytesUntil(_, at) => Some(at),
            Self::None | Self::Bytes(_) | Self::Child(_) | Self::Entered | Self::Woken(_) => None,
        }
    }
}

/// What woke a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// An event on one of its queues, or another thread (futex).
    Event,
    /// Its deadline passed.
    Timeout,
    /// A signal that it has to handle, or the end of its process.
    Signal,
}

/// Wakes at the deadline of a waiting thread; used by [`crate::time`].
pub fn deadline_passed(tid: Tid) {
    if kernel().thread(tid).is_some() {
        crate::task::park::wake(tid, Wake::Timeout);
    }
}
