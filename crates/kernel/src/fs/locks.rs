//! Locks on files. They belong to an inode; owners of record locks are processes, those of `flock(2)` and
//! `F_OFD_*` are open files, known by a number of their own.

use super::data::MAX_SIZE;
use super::file::{File, OpenFile, OpenFlags};
use super::inode::Inode;
use crate::errno::{EDEADLK, Errno};
use crate::kernel;
use crate::task::{Pid, Tid};
use crate::wait::{Events, WaitQueue};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::RefCell;

/// Who holds a lock. The three kinds don't see each other, except record locks of both kinds.
#[derive(Clone)]
pub enum Owner {
    /// Record locks of `F_SETLK`.
    Process(Pid),
    /// Record locks of `F_OFD_SETLK`.
    OpenFile(Weak<OpenFile>),
    /// `flock(2)`.
    WholeFile(Weak<OpenFile>),
}

impl Owner {
    /// For `F_OFD_SETLK`.
    pub fn open_file(file: &Rc<OpenFile>) -> Self {
        Self::OpenFile(Rc::downgrade(file))
    }

    /// For `flock(2)`.
    pub fn whole_file(file: &Rc<OpenFile>) -> Self {
        Self::WholeFile(Rc::downgrade(file))
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Process(a), Self::Process(b)) => a == b,
            (Self::OpenFile(a), Self::OpenFile(b)) | (Self::WholeFile(a), Self::WholeFile(b)) => a.ptr_eq(b),
            _ => false,
        }
    }

    fn sees(&self, other: &Self) -> bool {
        matches!(self, Self::WholeFile(_)) == matches!(other, Self::WholeFile(_))
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Process(pid) => kernel().tasks.processes.borrow().contains_key(pid),
            Self::OpenFile(file) | Self::WholeFile(file) => file.strong_count() > 0,
        }
    }
}

/// Shared or exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Several may hold it.
    Shared,
    /// Only one.
    Exclusive,
}

/// Bytes from `start` to before `end`. No file is longer than [`MAX_SIZE`], so what the guest says beyond it
/// means the end, and a bound never looks like a heap address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    start: u64,
    end: u64,
}

/// The end of a lock that goes on to the end of the file, however long it grows.
const TO_THE_END: u64 = i64::MAX.cast_unsigned();

impl Range {
    /// A range.
    pub const fn new(start: u64, end: u64) -> Self {
        Self {
            start: if start > MAX_SIZE { MAX_SIZE } else { start },
            end: if end > MAX_SIZE { TO_THE_END } else { end },
        }
    }

    const fn bounds(self) -> (u64, u64) {
        (self.start, self.end)
    }

    /// As `struct flock` has it: length 0 is to the end.
    pub fn start_and_len(self) -> (i64, i64) {
        let (start, end) = self.bounds();
        let len = if end == TO_THE_END { 0 } else { end - start };
        (start.cast_signed(), len.cast_signed())
    }

    fn meets(self, other: Self) -> bool {
        let ((a, b), (c, d)) = (self.bounds(), other.bounds());
        a < d && c < b
    }
}

/// A lock that is held.
#[derive(Clone)]
pub struct Held {
    owner: Owner,
    /// Where.
    pub range: Range,
    /// How.
    pub kind: Kind,
}

impl Held {
    /// `l_pid`: -1 for an open file's.
    pub fn pid(&self) -> i32 {
        match &self.owner {
            Owner::Process(pid) => kernel().tasks.shown(pid.0).cast_signed(),
            _ => -1,
        }
    }
}

/// A record lock that a thread of a process waits for.
#[derive(Clone, Copy)]
struct Wanted {
    thread: Tid,
    process: Pid,
    range: Range,
    kind: Kind,
}

/// What is locked: an inode, or an open object that has none here (a pipe's end, a socket).
enum Locked {
    Inode(Weak<Inode>),
    Object(Weak<dyn File>),
}

impl Locked {
    fn of(file: &OpenFile) -> Self {
        match file.object.inode() {
            Some(inode) => Self::Inode(Rc::downgrade(&inode)),
            None => Self::Object(Rc::downgrade(&file.object)),
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inode(a), Self::Inode(b)) => a.ptr_eq(b),
            (Self::Object(a), Self::Object(b)) => a.ptr_eq(b),
            _ => false,
        }
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Inode(inode) => inode.strong_count() > 0,
            Self::Object(object) => object.strong_count() > 0,
        }
    }
}

/// All locks on one inode.
pub struct Locks {
    on: Locked,
    held: RefCell<Vec<Held>>,
    /// Record locks that processes wait for; entries of threads that wait no more are dropped when somebody looks.
    wanted: RefCell<Vec<Wanted>>,
    /// Who waits for one.
    pub queue: Rc<WaitQueue>,
}

impl Locks {
    /// A lock that stands in the way.
    pub fn conflict(&self, owner: &Owner, range: Range, kind: Kind) -> Option<Held> {
        self.held.borrow_mut().retain(|held| held.owner.is_alive());
        let held = self.held.borrow();
        let blocking = held.iter().find(|held| {
            !held.owner.is(owner)
                && held.owner.sees(owner)
                && held.range.meets(range)
                && (kind == Kind::Exclusive || held.kind == Kind::Exclusive)
        });
        blocking.cloned()
    }

    /// Processes whose record locks stand in the way of another's.
    fn blockers(&self, process: Pid, range: Range, kind: Kind) -> Vec<Pid> {
        let held = self.held.borrow();
        let blocking = held
            .iter()
            .filter(|held| held.range.meets(range) && (kind == Kind::Exclusive || held.kind == Kind::Exclusive));
        let owners = blocking.filter_map(|held| match held.owner {
            Owner::Process(pid) if pid != process => Some(pid),
            _ => None,
        });
        owners.collect()
    }

    /// A thread of a process is about to wait for a record lock.
    ///
    /// # Errors
    /// `EDEADLK` when those it would wait for wait for it.
    pub fn will_wait(&self, thread: Tid, process: Pid, range: Range, kind: Kind) -> Result<(), Errno> {
        let mut reached = self.blockers(process, range, kind);
        let mut next = 0;
        while let Some(blocker) = reached.get(next).copied() {
            next += 1;
            if blocker == process {
                return Err(EDEADLK);
            }
            for locks in kernel().fs.locks.borrow().iter() {
                let waits = |wanted: &Wanted| kernel().thread(wanted.thread).is_some_and(|thread| thread.is_waiting());
                locks.wanted.borrow_mut().retain(waits);
                for wanted in locks.wanted.borrow().iter().filter(|wanted| wanted.process == blocker) {
                    for further in locks.blockers(wanted.process, wanted.range, wanted.kind) {
                        if !reached.contains(&further) {
                            reached.push(further);
                        }
                    }
                }
            }
        }
        let mut wanted = self.wanted.borrow_mut();
        wanted.retain(|other| other.thread != thread);
        wanted.push(Wanted { thread, process, range, kind });
        Ok(())
    }

    /// Locks, in place of what the owner had there; `false` when another's stands in the way.
    pub fn lock(&self, owner: &Owner, range: Range, kind: Kind) -> bool {
        if self.conflict(owner, range, kind).is_some() {
            return false;
        }
        // As in Linux the locks of an owner stand together, in order, and neighbours of one kind are one.
        let place = self.held.borrow().iter().position(|held| held.owner.is(owner));
        let whole = self.merged(owner, range, kind);
        self.cut(owner, whole);
        {
            let mut held = self.held.borrow_mut();
            let own = |held: &Held| held.owner.is(owner);
            let index = held.iter().position(|held| own(held) && held.range.start > whole.start);
            let index = index.or_else(|| held.iter().rposition(own).map(|last| last + 1)).or(place);
            let index = index.unwrap_or(held.len()).min(held.len());
            held.insert(index, Held { owner: owner.clone(), range: whole, kind });
        }
        // A lock that became a shared one may let others in.
        self.queue.wake(Events::IN);
        true
    }

    /// Unlocks.
    pub fn unlock(&self, owner: &Owner, range: Range) {
        self.cut(owner, range);
        self.queue.wake(Events::IN);
    }

    /// A range with what the owner holds in the same way beside it.
    fn merged(&self, owner: &Owner, range: Range, kind: Kind) -> Range {
        let mut whole = range;
        for held in self.held.borrow().iter().filter(|held| held.owner.is(owner) && held.kind == kind) {
            if held.range.start <= whole.end && whole.start <= held.range.end {
                whole = Range::new(whole.start.min(held.range.start), whole.end.max(held.range.end));
            }
        }
        whole
    }

    fn cut(&self, owner: &Owner, range: Range) {
        let (start, end) = range.bounds();
        let mut kept = Vec::new();
        for held in self.held.take() {
            if !held.owner.is(owner) || !held.range.meets(range) {
                kept.push(held);
                continue;
            }
            let (first, last) = held.range.bounds();
            if first < start {
                kept.push(Held { range: Range::new(first, start), ..held.clone() });
            }
            if last > end {
                kept.push(Held { range: Range::new(end, last), ..held });
            }
        }
        *self.held.borrow_mut() = kept;
    }
}

/// The locks on what is behind a descriptor.
pub fn locks_of(file: &Rc<OpenFile>) -> Rc<Locks> {
    let on = Locked::of(file);
    let mut all = kernel().fs.locks.borrow_mut();
    all.retain(|locks| locks.on.is_alive());
    if let Some(locks) = all.iter().find(|locks| locks.on.is(&on)) {
        return locks.clone();
    }
    let locks = Rc::new(Locks { on, held: RefCell::default(), wanted: RefCell::default(), queue: WaitQueue::new() });
    all.push(locks.clone());
    locks
}

/// The locks on an inode or object, if there ever were any.
fn known(on: &Locked) -> Option<Rc<Locks>> {
    kernel().fs.locks.borrow().iter().find(|locks| locks.on.is(on)).cloned()
}

/// A descriptor was closed: the process's record locks on the file go, and an open file's when it was its last.
pub fn closed(file: &Rc<OpenFile>, pid: Pid) {
    if kernel().fs.locks.borrow().is_empty() || file.flags.get().contains(OpenFlags::PATH) {
        return;
    }
    let Some(locks) = known(&Locked::of(file)) else { return };
    let whole = Range::new(0, u64::MAX);
    locks.unlock(&Owner::Process(pid), whole);
    if Rc::strong_count(file) == 1 {
        locks.unlock(&Owner::open_file(file), whole);
        locks.unlock(&Owner::whole_file(file), whole);
    }
}

/// A process has ended: so have its record locks.
pub fn process_ended(pid: Pid) {
    let all = kernel().fs.locks.borrow().clone();
    for locks in all {
        locks.unlock(&Owner::Process(pid), Range::new(0, u64::MAX));
    }
}

/// An open file is gone, and its locks with it: who waits for one tries again.
pub fn released(inode: &Rc<Inode>) {
    if let Some(locks) = known(&Locked::Inode(Rc::downgrade(inode))) {
        locks.queue.wake(Events::IN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::data::Data;
    use crate::fs::inode::{Content, S_IFREG, UPPER_DEVICE};
    use crate::fs::open::{anonymous, opened};

    fn locks() -> (Rc<OpenFile>, Rc<Locks>) {
        let inode = Inode::new(UPPER_DEVICE, Content::Regular(Data::default()), S_IFREG | 0o644, 0, 0);
        let file = anonymous(inode, b"file", OpenFlags::RDWR);
        let locks = locks_of(&file);
        (file, locks)
    }

    #[test]
    fn shared_locks_of_two_open_files_meet_and_exclusive_ones_do_not() {
        let (file, locks) = locks();
        let inode = opened(&file.object).unwrap().inode.clone();
        let other = anonymous(inode, b"file", OpenFlags::RDWR);
        let range = Range::new(0, 10);
        assert!(locks.lock(&Owner::open_file(&file), range, Kind::Shared));
        assert!(locks.lock(&Owner::open_file(&other), range, Kind::Shared));
        assert!(!locks.lock(&Owner::open_file(&other), range, Kind::Exclusive));
        locks.unlock(&Owner::open_file(&file), range);
        assert!(locks.lock(&Owner::open_file(&other), range, Kind::Exclusive));
        assert!(Rc::ptr_eq(&locks, &locks_of(&other)));
    }

    #[test]
    fn unlocking_the_middle_leaves_both_ends() {
        let (file, locks) = locks();
        let owner = Owner::open_file(&file);
        assert!(locks.lock(&owner, Range::new(0, 100), Kind::Exclusive));
        locks.unlock(&owner, Range::new(40, 60));
        let (other, _) = super::tests::locks();
        let stranger = Owner::open_file(&other);
        assert!(locks.conflict(&stranger, Range::new(40, 60), Kind::Exclusive).is_none());
        let held = locks.conflict(&stranger, Range::new(50, 70), Kind::Exclusive).unwrap();
        assert_eq!(held.range.start_and_len(), (60, 40));
        assert!(locks.conflict(&stranger, Range::new(0, 1), Kind::Shared).is_some());
    }

    #[test]
    fn whole_file_locks_and_record_locks_do_not_see_each_other() {
        let (file, locks) = locks();
        let range = Range::new(0, i64::MAX.cast_unsigned());
        assert!(locks.lock(&Owner::whole_file(&file), range, Kind::Exclusive));
        let (other, _) = super::tests::locks();
        assert!(locks.lock(&Owner::open_file(&other), range, Kind::Exclusive));
        assert!(!locks.lock(&Owner::whole_file(&other), range, Kind::Shared));
    }

    #[test]
    fn locks_end_with_their_open_file() {
        let (file, locks) = locks();
        let inode = opened(&file.object).unwrap().inode.clone();
        let other = anonymous(inode, b"file", OpenFlags::RDWR);
        let range = Range::new(0, 1);
        assert!(locks.lock(&Owner::whole_file(&other), range, Kind::Exclusive));
        drop(other);
        assert!(locks.lock(&Owner::whole_file(&file), range, Kind::Exclusive));
    }
}
