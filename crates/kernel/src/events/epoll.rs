//! `epoll(7)`: sets of descriptors that report what became ready.
//!
//! Each member is an `Item` that observes the queue of its file. What reports an event goes into the
//! list of ready items, once; `epoll_wait` asks each of them what it is really ready for, hands that out,
//! and puts level-triggered ones back at the end. A member belongs to an open file *description*: it goes
//! when the last descriptor of that is closed ([`Memberships`]).

use crate::errno::{EEXIST, EINVAL, ELOOP, ENOENT, EPERM, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::heap::guest_word::ByteBox;
use crate::syscall::{Context, Outcome};
use crate::task::Tid;
use crate::user_memory::UserAddr;
use crate::wait::{Events, Observer, WaitQueue};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::any::Any;
use core::cell::{Cell, RefCell};

bitflags! {
    /// How a member reports.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Mode: u32 {
        /// `EPOLLEXCLUSIVE`.
        const EXCLUSIVE = 1 << 28;
        /// `EPOLLWAKEUP`: nothing to be kept awake here.
        const WAKEUP = 1 << 29;
        /// `EPOLLONESHOT`.
        const ONESHOT = 1 << 30;
        /// `EPOLLET`.
        const EDGE = 1 << 31;
    }
}

/// Sets nested deeper than this are refused.
const MAX_NESTING: usize = 4;
/// Always reported.
const ALWAYS: Events = Events::ERR.union(Events::HUP);

/// An `epoll_event`: events, and a word of the guest's.
pub type Reported = [u8; 12];

/// An epoll set.
pub struct Epoll {
    items: RefCell<BTreeMap<(i32, u64), Rc<Item>>>,
    next_id: Cell<u64>,
    ready: RefCell<VecDeque<Rc<Item>>>,
    /// Threads in `epoll_wait`.
    pub waiters: Rc<WaitQueue>,
    /// Who polls the set itself.
    queue: Rc<WaitQueue>,
    this: Weak<Self>,
}

/// A member.
struct Item {
    key: (i32, u64),
    set: Weak<Epoll>,
    file: Weak<OpenFile>,
    queue: Rc<WaitQueue>,
    observer: Cell<usize>,
    /// Masked to what exists: see [`Item::configure`].
    events: Cell<u32>,
    // The guest chooses the word.
    data: RefCell<ByteBox<u64>>,
    queued: Cell<bool>,
    this: Weak<Self>,
}

/// The sets that an open file is a member of.
#[derive(Default)]
pub struct Memberships {
    sets: RefCell<Vec<(Weak<Epoll>, i32, u64)>>,
}

impl Memberships {
    /// The open file goes: so does its membership.
    pub fn end(&self) {
        for (set, fd, id) in self.sets.take() {
            if let Some(set) = set.upgrade() {
                set.remove((fd, id));
            }
        }
    }
}

impl Item {
    fn interest(&self) -> Events {
        if self.events.get() & DISARMED != 0 {
            return Events::empty();
        }
        Events::from_bits_truncate(self.events.get()) | ALWAYS
    }

    fn configure(&self, events: u32, data: u64) {
        self.events.set(events & (Events::all().bits() | Mode::all().bits()));
        self.data.borrow_mut().store(data);
    }

    fn mode(&self) -> Mode {
        Mode::from_bits_truncate(self.events.get())
    }

    /// What it is ready for, of what is wanted.
    fn poll(&self) -> Events {
        let interest = self.interest();
        if interest.is_empty() {
            return interest;
        }
        self.file.upgrade().map_or(Events::empty(), |file| file.object.poll(&file) & interest)
    }
}

/// Marks an item that reports nothing until it is modified; no bit of `epoll(7)`.
const DISARMED: u32 = 1 << 27;

impl Observer for Item {
    fn notify(&self, events: Events) -> bool {
        if !self.interest().intersects(events) {
            return false;
        }
        match (self.set.upgrade(), self.this.upgrade()) {
            (Some(set), Some(this)) => set.report(&this),
            _ => false,
        }
    }

    fn is_exclusive(&self) -> bool {
        self.mode().contains(Mode::EXCLUSIVE)
    }

    fn first_waiter(&self) -> Option<Tid> {
        let set = self.set.upgrade()?;
        set.waiters.first_waiter().or_else(|| set.queue.first_waiter())
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.queue.unobserve(self.observer.get());
    }
}

impl Epoll {
    /// Opens an empty set.
    pub fn open() -> Rc<OpenFile> {
        let set = Rc::new_cyclic(|this| Self {
            items: RefCell::default(),
            next_id: Cell::new(0),
            ready: RefCell::default(),
            waiters: WaitQueue::new(),
            queue: WaitQueue::new(),
            this: this.clone(),
        });
        OpenFile::new(set, OpenFlags::RDWR)
    }

    /// An item is ready; whether a thread was woken that takes it.
    fn report(&self, item: &Rc<Item>) -> bool {
        if !item.queued.replace(true) {
            self.ready.borrow_mut().push_back(item.clone());
        }
        let woken = self.waiters.wake(Events::IN);
        self.queue.wake(Events::IN | Events::RDNORM) || woken
    }

    fn find(&self, fd: i32, file: &Rc<OpenFile>) -> Option<Rc<Item>> {
        let file = Rc::downgrade(file);
        let items = self.items.borrow();
        items.range((fd, 0)..=(fd, u64::MAX)).map(|(_, item)| item).find(|item| item.file.ptr_eq(&file)).cloned()
    }

    /// `EPOLL_CTL_ADD`.
    ///
    /// # Errors
    /// `EPERM`, `EEXIST`, `ELOOP`, `EINVAL` as in `epoll_ctl(2)`.
    pub fn add(&self, fd: i32, file: &Rc<OpenFile>, events: u32, data: u64) -> Result<(), Errno> {
        let nested = file.downcast::<Self>();
        if events & Mode::EXCLUSIVE.bits() != 0 {
            let allowed =
                (Events::IN | Events::OUT | ALWAYS).bits() | (Mode::EXCLUSIVE | Mode::WAKEUP | Mode::EDGE).bits();
            if nested.is_some() || events & !allowed != 0 {
                return Err(EINVAL);
            }
        }
        if let Some(nested) = nested {
            nested.check_nesting(&self.this, 1)?;
        }
        if self.find(fd, file).is_some() {
            return Err(EEXIST);
        }
        let queue = file.object.queue().ok_or(EPERM)?;
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let item = Rc::new_cyclic(|this: &Weak<Item>| Item {
            key: (fd, id),
            set: self.this.clone(),
            file: Rc::downgrade(file),
            observer: Cell::new(queue.observe(this.clone())),
            queue,
            events: Cell::new(0),
            data: RefCell::default(),
            queued: Cell::new(false),
            this: this.clone(),
        });
        item.configure(events, data);
        self.items.borrow_mut().insert(item.key, item.clone());
        let mut sets = file.memberships.sets.borrow_mut();
        sets.retain(|(set, ..)| set.strong_count() > 0);
        sets.push((self.this.clone(), fd, id));
        drop(sets);
        if !item.poll().is_empty() {
            self.report(&item);
        }
        Ok(())
    }

    /// `EPOLL_CTL_MOD`.
    ///
    /// # Errors
    /// `ENOENT`, `EINVAL`.
    pub fn modify(&self, fd: i32, file: &Rc<OpenFile>, events: u32, data: u64) -> Result<(), Errno> {
        if events & Mode::EXCLUSIVE.bits() != 0 {
            return Err(EINVAL);
        }
        let item = self.find(fd, file).ok_or(ENOENT)?;
        if item.mode().contains(Mode::EXCLUSIVE) {
            return Err(EINVAL);
        }
        item.configure(events, data);
        if !item.poll().is_empty() {
            self.report(&item);
        }
        Ok(())
    }

    /// `EPOLL_CTL_DEL`.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn delete(&self, fd: i32, file: &Rc<OpenFile>) -> Result<(), Errno> {
        let item = self.find(fd, file).ok_or(ENOENT)?;
        file.memberships.sets.borrow_mut().retain(|(set, _, id)| *id != item.key.1 || !set.ptr_eq(&self.this));
        self.remove(item.key);
        Ok(())
    }

    fn remove(&self, key: (i32, u64)) {
        let removed = self.items.borrow_mut().remove(&key);
        if let Some(item) = removed {
            // It may stand in the list of ready ones.
            item.events.set(DISARMED);
        }
    }

    /// Refuses a set that would contain itself, or is nested too deeply.
    fn check_nesting(&self, container: &Weak<Self>, depth: usize) -> Result<(), Errno> {
        if self.this.ptr_eq(container) || depth > MAX_NESTING {
            return Err(ELOOP);
        }
        let files: Vec<_> = self.items.borrow().values().filter_map(|item| item.file.upgrade()).collect();
        for file in files {
            if let Some(nested) = file.downcast::<Self>() {
                nested.check_nesting(container, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Takes up to `max` reports.
    pub fn take(&self, max: usize) -> Vec<Reported> {
        let mut reports = Vec::new();
        let candidates = self.ready.borrow().len();
        for _ in 0..candidates {
            if reports.len() == max {
                break;
            }
            let Some(item) = self.ready.borrow_mut().pop_front() else { break };
            item.queued.set(false);
            let events = item.poll();
            if events.is_empty() {
                continue;
            }
            let mut report: Reported = [0; 12];
            report[..4].copy_from_slice(&events.bits().to_ne_bytes());
            report[4..].copy_from_slice(&item.data.borrow().load().to_ne_bytes());
            reports.push(report);
            if item.mode().contains(Mode::ONESHOT) {
                item.events.set(item.mode().bits() | DISARMED);
            } else if !item.mode().contains(Mode::EDGE) && !item.queued.replace(true) {
                self.ready.borrow_mut().push_back(item);
            }
        }
        if !self.ready.borrow().is_empty() {
            // There is more: the next one that waits may take it.
            self.waiters.wake(Events::IN);
        }
        reports
    }

    /// Whether the listener that is fed from outside is a member, directly or in a nested set.
    pub fn includes_outside(&self) -> bool {
        let files: Vec<_> = self.items.borrow().values().filter_map(|item| item.file.upgrade()).collect();
        files.iter().any(|file| crate::net::leads_outside(file))
    }
}

impl File for Epoll {
    fn ioctl(&self, _context: &mut Context<'_>, _file: &OpenFile, _request: u32, _argument: UserAddr) -> Outcome {
        Err(EINVAL.into())
    }

    fn kind(&self) -> &'static str {
        "epoll"
    }

    fn name(&self) -> String {
        "anon_inode:[eventpoll]".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(crate::ipc::anonymous_stat())
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        loop {
            let Some(item) = self.ready.borrow().front().cloned() else { return Events::empty() };
            if !item.poll().is_empty() {
                return Events::IN | Events::RDNORM;
            }
            self.ready.borrow_mut().pop_front();
            item.queued.set(false);
        }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.queue.clone())
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The set behind a descriptor.
///
/// # Errors
/// `EINVAL` for another kind of file.
pub fn set_of(file: &OpenFile) -> Result<&Epoll, Errno> {
    file.downcast::<Epoll>().ok_or(EINVAL)
}
