//! The poller role: of all host threads that have nothing to do, one waits in the host for everything
//! that comes from outside: the control socket, client connections, standard streams, and time.
//!
//! Host descriptors that objects of the guest wait for are watched edge-triggered: an event wakes the
//! object's queue, whoever is woken tries again. The set is made on first need after each boot; no host
//! descriptor travels in an image ([`HostHandle`]).
//!
//! Each host process has a poller of its own, with a set of its own: who waits for a host descriptor watches it. While
//! there is one host process, a poller is only needed for what comes from outside; once there are several, the poller is
//! also who passes on the wakes of other host processes, so a process with a parked thread always has one.

use super::{dormant, host_process};
use crate::errno::Errno;
use crate::host::{self, EpollEvent, HostFd};
use crate::local::{boot_page, local, per_thread};
use crate::wait::{Events, WaitQueue};
use crate::{control, kernel, lock};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// A host descriptor held by an object of the guest. It is valid in the boot that it came in and no
/// other: after a restore or an `sfork` the object is *not yet reconnected*.
#[derive(Debug, Default)]
pub struct HostHandle {
    fd: Cell<i32>,
    generation: Cell<u64>,
}

impl HostHandle {
    /// Connected, in this boot.
    pub fn new(fd: HostFd) -> Self {
        Self { fd: Cell::new(fd.0), generation: Cell::new(boot_page().generation) }
    }

    /// Connects.
    pub fn set(&self, fd: HostFd) {
        self.close();
        self.fd.set(fd.0);
        self.generation.set(boot_page().generation);
    }

    /// The descriptor, when connected.
    pub fn get(&self) -> Option<HostFd> {
        (self.generation.get() != 0 && self.generation.get() == boot_page().generation).then(|| HostFd(self.fd.get()))
    }

    /// Closes it.
    pub fn close(&self) {
        if let Some(fd) = self.get() {
            host::close(fd);
        }
        self.generation.set(0);
    }
}

impl Drop for HostHandle {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is watched, and who does it.
#[derive(Default)]
pub struct Poller {
    set: HostHandle,
    bell: HostHandle,
    holder: Cell<Option<(u32, u64)>>,
    idle: Cell<Option<(u32, u64)>>,
    watched: RefCell<BTreeMap<i32, Weak<WaitQueue>>>,
    watched_in: Cell<u64>,
    /// Dormant threads that were woken and wait for a host thread.
    pub runnable: dormant::Runnable,
}

/// Number of the bell in the set.
const BELL: u64 = u64::MAX;
/// Number of the control socket in the set.
const CONTROL: u64 = u64::MAX - 1;
/// `EPOLLEXCLUSIVE`.
const EXCLUSIVE: u32 = 1 << 28;
/// `EPOLLIN`, `EPOLLOUT`, `EPOLLRDHUP`, `EPOLLET`.
const WATCH: u32 = 0x1 | 0x4 | 0x2000 | 1 << 31;

impl Poller {
    /// The stack slot of the host thread that polls.
    pub fn holder(&self) -> Option<u32> {
        self.holder.get().filter(|(_, boot)| *boot == boot_page().generation).map(|(slot, _)| slot)
    }

    /// The stack slot of a host thread without guest thread, parked or polling.
    pub fn idle_slot(&self) -> Option<u32> {
        self.idle.get().filter(|(_, boot)| *boot == boot_page().generation).map(|(slot, _)| slot)
    }

    /// Says that the calling host thread has no guest thread (or has one again).
    pub fn set_idle(&self, idle: bool) {
        self.idle.set(idle.then(|| (per_thread().slot, boot_page().generation)));
    }

    /// Rings, for another host process. The bell is there whenever somebody is parked.
    pub fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            let _ = host::write(bell, &1u64.to_ne_bytes());
        }
    }

    /// Takes the role, when it is free or already the caller's.
    pub fn take(&self, slot: u32) -> bool {
        if self.holder().is_some_and(|holder| holder != slot) {
            return false;
        }
        self.holder.set(Some((slot, boot_page().generation)));
        true
    }

    /// Makes the poller look at the state again.
    pub fn interrupt(&self) {
        if self.holder().is_some_and(|slot| slot != per_thread().slot) {
            self.ring();
        }
    }

    /// Watches a host descriptor for an object: its queue is woken at each change of readiness. Once is enough for a host
    /// process for as long as the descriptor is open; closing it ends the watch.
    ///
    /// # Errors
    /// `EPERM` for what can't be polled (a regular file): it never blocks.
    pub fn watch(&self, fd: HostFd, queue: &Rc<WaitQueue>) -> Result<(), Errno> {
        let set = self.prepare()?;
        let watched = self.watched.borrow().get(&fd.0).and_then(Weak::upgrade);
        if watched.is_some_and(|watched| Rc::ptr_eq(&watched, queue)) {
            return Ok(());
        }
        host::epoll_control(set, 1, fd, EpollEvent { events: WATCH, data: fd.0 as u64 })?;
        self.watched.borrow_mut().insert(fd.0, Rc::downgrade(queue));
        Ok(())
    }

    /// Ends a watch; needed before a watched descriptor is closed.
    pub fn unwatch(&self, fd: HostFd) {
        if self.watched.borrow_mut().remove(&fd.0).is_some()
            && let Some(set) = self.set.get()
        {
            let _ = host::epoll_control(set, 2, fd, EpollEvent::default());
        }
    }

    /// Nothing of this boot is kept: before an image is made.
    pub fn forget(&self) {
        self.set.close();
        self.bell.close();
        self.holder.set(None);
        self.idle.set(None);
        self.watched.borrow_mut().clear();
    }

    fn prepare(&self) -> Result<HostFd, Errno> {
        if let Some(set) = self.set.get() {
            return Ok(set);
        }
        let set = host::epoll_create()?;
        let bell = host::eventfd()?;
        self.watched.borrow_mut().clear();
        self.watched_in.set(boot_page().generation);
        host::epoll_control(set, 1, bell, EpollEvent { events: 1, data: BELL })?;
        // Of several host processes that wait for the monitor one is woken.
        let exclusive = if local().shared.load(Relaxed) == 0 { 0 } else { EXCLUSIVE };
        let control = EpollEvent { events: 1 | exclusive, data: CONTROL };
        host::epoll_control(set, 1, control::socket(), control)?;
        self.set.set(set);
        self.bell.set(bell);
        Ok(set)
    }
}

/// Waits once for what comes from outside or for the next timer, and serves it. The caller holds the role and the
/// lock; the lock is released meanwhile.
pub fn poll_once() {
    let host = kernel().tasks.hosts.current();
    let poller = &host.poller;
    let Ok(set) = poller.prepare() else {
        control::fatal("no descriptors left for the poller");
    };
    crate::tty::console::watch();
    let now = crate::time::monotonic_ns();
    let timeout_ms = match kernel().time.next_deadline_for(host.number) {
        None => -1,
        Some(deadline) => deadline.saturating_sub(now).div_ceil(1_000_000).min(60_000) as i32,
    };
    let mut events = [EpollEvent::default(); 16];
    lock::release();
    let count = host::epoll_wait(set, &mut events, timeout_ms);
    lock::acquire();
    for event in &events[..count.unwrap_or(0)] {
        let (data, bits) = (event.data, event.events);
        if data == BELL {
            if let Some(bell) = poller.bell.get() {
                let _ = host::read(bell, &mut [0; 8]);
            }
            host.pass_wakes_on();
            poller.runnable.start_all_from_outside();
        } else if data == CONTROL {
            control::receive_all();
        } else {
            let queue = poller.watched.borrow().get(&(data as i32)).and_then(Weak::upgrade);
            if let Some(queue) = queue {
                queue.wake(Events::from_bits_truncate(bits) | Events::ERR | Events::HUP);
            }
        }
    }
    kernel().time.run_due();
}

/// Whether a thread that rests has to poll: something outside is of interest or due, or nobody is left who
/// could make things go on.
pub fn is_needed() -> bool {
    if local().shared.load(Relaxed) != 0 || current().poller.holder() == Some(per_thread().slot) {
        return true;
    }
    is_something_outside() || !is_anybody_running()
}

fn current() -> Rc<host_process::HostProcess> {
    kernel().tasks.hosts.current()
}

/// Whether events from outside or alarms may come while threads run.
fn is_something_outside() -> bool {
    let host = current();
    let poller = &host.poller;
    let watches = poller.watched_in.get() == boot_page().generation && !poller.watched.borrow().is_empty();
    watches || kernel().net.is_fed_from_outside() || kernel().time.needs_service()
}

fn is_anybody_running() -> bool {
    let own = per_thread().slot;
    let threads = kernel().tasks.threads.borrow();
    threads.values().any(|thread| thread.slot.get().is_some_and(|slot| slot != own) && !thread.is_waiting())
}

/// A thread that goes back to work gives up the role. When something may come from outside meanwhile, another one
/// that rests takes it, and when none rests an idle host thread is made for alarms.
pub fn hand_over() {
    let host = current();
    let poller = &host.poller;
    if poller.holder() != Some(per_thread().slot) {
        return;
    }
    poller.holder.set(None);
    let shared = local().shared.load(Relaxed) != 0;
    if !shared && !is_something_outside() {
        return;
    }
    let own = per_thread().slot;
    let resting = kernel().tasks.threads.borrow().values().find_map(|thread| {
        let here = thread.slot.get().filter(|slot| thread.is_waiting() && *slot != own);
        here.filter(|_| !shared || thread.host() == host.number)
    });
    match resting.or(poller.idle_slot().filter(|slot| *slot != own)) {
        Some(slot) => super::park::wake_own_slot(slot),
        None => ensure_poller(),
    }
}

/// Makes an idle host thread to poll when nobody polls, all others run, and an alarm is due or something may be typed.
pub fn ensure_poller() {
    // Whoever is busy is to see what is typed, too.
    if !kernel().time.needs_service() && !kernel().terminals.has_console() {
        return;
    }
    let host = current();
    let poller = &host.poller;
    let stopping = local().stopping.load(SeqCst) != 0;
    // Whichever host process polls serves alarms.
    if poller.holder().is_some() || stopping || kernel().tasks.hosts.polling().is_some() {
        return;
    }
    match poller.idle_slot() {
        // It may have gone to sleep when nothing was due.
        Some(slot) => super::park::wake_own_slot(slot),
        // Without a host thread to be had, alarms wait for the next thread that rests.
        None => drop(host_process::start_host_thread(None)),
    }
}
