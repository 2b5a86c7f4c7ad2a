//! `inotify(7)`: instances, and their queues of what happened.

use crate::errno::{EEXIST, EINVAL, EMFILE, ENOSPC, ENOTTY, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::fs::inode::Inode;
use crate::fs::notify::{Happened, Watch};
use crate::kernel;
use crate::syscall::{Context, Outcome};
use crate::user_memory::{Sink, UserAddr, UserPtr};
use crate::wait::{Events, WaitQueue};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// `/proc/sys/fs/inotify/max_queued_events`.
const MAX_QUEUED: usize = 16_384;
/// `/proc/sys/fs/inotify/max_user_watches`.
const MAX_WATCHES: u32 = 65_536;
/// `/proc/sys/fs/inotify/max_user_instances`.
const MAX_INSTANCES: u32 = 128;
/// `sizeof(struct inotify_event)`: names are padded to a multiple of it.
const HEADER: usize = 16;

/// A watch, and what it watches.
type Watched = (Rc<Watch>, Weak<Inode>);

/// An instance.
pub struct Inotify {
    watches: RefCell<BTreeMap<i32, Watched>>,
    last: Cell<i32>,
    // As `read(2)` hands them out: bytes, which lie in the byte arena.
    queued: RefCell<VecDeque<Vec<u8>>>,
    queue: Rc<WaitQueue>,
    this: Weak<Self>,
}

impl Inotify {
    /// Opens an instance.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn open(flags: OpenFlags) -> Result<Rc<OpenFile>, Errno> {
        let instances = &kernel().fs.notices.instances;
        if instances.get() >= MAX_INSTANCES {
            return Err(EMFILE);
        }
        instances.set(instances.get() + 1);
        let instance = Rc::new_cyclic(|this| Self {
            watches: RefCell::default(),
            last: Cell::new(0),
            queued: RefCell::default(),
            queue: WaitQueue::new(),
            this: this.clone(),
        });
        Ok(OpenFile::new(instance, flags))
    }

    /// Adds a watch, or changes the one that is there; answers its descriptor.
    ///
    /// # Errors
    /// `EEXIST`, `ENOSPC`.
    pub fn add(&self, inode: &Rc<Inode>, mask: Happened) -> Result<i32, Errno> {
        const KEPT: Happened = Happened::EVENTS.union(Happened::EXCLUDE_UNLINKED).union(Happened::ONE_SHOT);
        let wanted = mask & KEPT;
        let there = {
            let watches = self.watches.borrow();
            let mut known = watches.values().filter(|(_, watched)| watched.ptr_eq(&Rc::downgrade(inode)));
            known.next().map(|(watch, _)| watch.clone())
        };
        if let Some(watch) = there {
            if mask.contains(Happened::MASK_CREATE) {
                return Err(EEXIST);
            }
            let added = mask.contains(Happened::MASK_ADD);
            watch.wanted.set(if added { watch.wanted.get() | wanted } else { wanted });
            return Ok(watch.number);
        }
        let count = &kernel().fs.notices.watches;
        if count.get() >= MAX_WATCHES {
            return Err(ENOSPC);
        }
        count.set(count.get() + 1);
        let number = self.last.get() + 1;
        self.last.set(number);
        let watch = Rc::new(Watch { number, wanted: Cell::new(wanted), instance: self.this.clone() });
        inode.watch(&watch);
        self.watches.borrow_mut().insert(number, (watch, Rc::downgrade(inode)));
        Ok(number)
    }

    /// Removes a watch; it reports so.
    ///
    /// # Errors
    /// `EINVAL` for a descriptor that is none.
    pub fn remove(&self, number: i32) -> Result<(), Errno> {
        let (watch, inode) = self.watches.borrow().get(&number).cloned().ok_or(EINVAL)?;
        if let Some(inode) = inode.upgrade() {
            inode.unwatch(&watch);
        }
        self.ignore(number);
        Ok(())
    }

    /// A watch is gone.
    pub fn ignore(&self, number: i32) {
        if self.watches.borrow_mut().remove(&number).is_some() {
            let count = &kernel().fs.notices.watches;
            count.set(count.get().saturating_sub(1));
            self.report(number, Happened::IGNORED, 0, b"");
        }
    }

    /// Queues an event, unless it says what the last one says.
    pub fn report(&self, number: i32, happened: Happened, cookie: u32, name: &[u8]) {
        let mut event = encode(number, happened.bits(), cookie, name);
        let mut queued = self.queued.borrow_mut();
        if queued.len() >= MAX_QUEUED {
            event = encode(-1, Happened::OVERFLOW.bits(), 0, b"");
            if queued.back() == Some(&event) {
                return;
            }
        }
        // The cookie does not make a difference.
        let same = |last: &Vec<u8>| last.get(..8) == event.get(..8) && last.get(12..) == event.get(12..);
        if happened != Happened::IGNORED && queued.back().is_some_and(same) {
            return;
        }
        queued.push_back(event);
        drop(queued);
        self.queue.wake(Events::IN | Events::RDNORM);
    }
}

fn encode(number: i32, mask: u32, cookie: u32, name: &[u8]) -> Vec<u8> {
    let padded = if name.is_empty() { 0 } else { (name.len() + 1).next_multiple_of(HEADER) };
    let mut event = Vec::with_capacity(HEADER + padded);
    event.extend_from_slice(&number.to_ne_bytes());
    event.extend_from_slice(&mask.to_ne_bytes());
    event.extend_from_slice(&cookie.to_ne_bytes());
    event.extend_from_slice(&(padded as u32).to_ne_bytes());
    event.extend_from_slice(name);
    event.resize(HEADER + padded, 0);
    event
}

impl Drop for Inotify {
    fn drop(&mut self) {
        let notices = &kernel().fs.notices;
        let watches = self.watches.take();
        notices.watches.set(notices.watches.get().saturating_sub(watches.len() as u32));
        notices.instances.set(notices.instances.get().saturating_sub(1));
        for (watch, inode) in watches.into_values() {
            if let Some(inode) = inode.upgrade() {
                inode.unwatch(&watch);
            }
        }
    }
}

impl File for Inotify {
    fn kind(&self) -> &'static str {
        "inotify"
    }

    fn name(&self) -> String {
        "anon_inode:inotify".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(crate::ipc::anonymous_stat())
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        let mut done = 0;
        loop {
            let len = match self.queued.borrow().front() {
                Some(event) => event.len(),
                None if done == 0 => return Err(file.block(&self.queue, Events::IN, "inotify: an event")),
                None => return Ok(done),
            };
            if len > sink.room() {
                return if done == 0 { Err(EINVAL.into()) } else { Ok(done) };
            }
            let event = self.queued.borrow_mut().pop_front().unwrap_or_default();
            match sink.put(&event) {
                Ok(put) => done += put,
                Err(errno) if done == 0 => return Err(errno.into()),
                Err(_) => return Ok(done),
            }
        }
    }

    fn seekable(&self) -> bool {
        true
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        if self.queued.borrow().is_empty() { Events::empty() } else { Events::IN | Events::RDNORM }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.queue.clone())
    }

    fn ioctl(&self, _context: &mut Context<'_>, _file: &OpenFile, request: u32, argument: UserAddr) -> Outcome {
        const FIONREAD: u32 = 0x541b;
        if request != FIONREAD {
            return Err(ENOTTY.into());
        }
        let len: usize = self.queued.borrow().iter().map(Vec::len).sum();
        UserPtr::<u32>::new(argument.0).write(u32::try_from(len).unwrap_or(i32::MAX as u32))?;
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
