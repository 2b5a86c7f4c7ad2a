//! System V semaphores (`semop(2)`).
//!
//! A set of operations is done as a whole or not at all. A thread whose set can't be done waits at the semaphore that
//! holds it up ([`SemaphoreSet::waiters`]); woken, it tries the whole set again.

use super::{Access, Owned, Owner, seconds};
use crate::errno::{EAGAIN, ERANGE, Errno};
use crate::kernel;
use crate::task::Pid;
use crate::task::process::Credentials;
use crate::wait::{Events, WaitQueue};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// `SEMMSL`: semaphores in a set.
pub const MOST: i32 = 32_000;
/// `SEMMNI`: sets.
pub const SETS: i32 = 32_000;
/// `SEMOPM`: operations in a call.
pub const OPERATIONS: usize = 500;
/// `SEMVMX`: largest value.
pub const LARGEST: i32 = 32_767;

/// What waiters wait for: a larger value, or zero.
const LARGER: Events = Events::IN;
const ZERO: Events = Events::OUT;

/// `IPC_NOWAIT`.
const NOWAIT: i16 = 0o4000;
/// `SEM_UNDO`.
const UNDO: i16 = 0x1000;

/// `struct sembuf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which semaphore of the set.
    pub number: u16,
    /// Added; 0 waits for zero.
    pub change: i16,
    /// `IPC_NOWAIT`, `SEM_UNDO`.
    pub flags: i16,
}

/// A semaphore.
#[derive(Clone, Copy, Default)]
struct Semaphore {
    value: u16,
    /// Who changed it last.
    pid: u32,
}

/// A set of semaphores.
pub struct SemaphoreSet {
    owner: Owner,
    semaphores: RefCell<Vec<Semaphore>>,
    /// Who waits at a semaphore.
    queues: RefCell<BTreeMap<u16, Rc<WaitQueue>>>,
    /// What is to be added when a process ends (`SEM_UNDO`).
    undo: RefCell<BTreeMap<Pid, Vec<i16>>>,
    operated_at: Cell<u64>,
    changed_at: Cell<u64>,
}

impl Owned for SemaphoreSet {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// What became of a set of operations.
pub enum Operated {
    /// Done.
    Done,
    /// It has to wait: here, for these events.
    Waits(Rc<WaitQueue>, Events),
}

impl SemaphoreSet {
    /// Semaphores of value 0.
    pub fn new(owner: Owner, count: usize) -> Self {
        Self {
            owner,
            semaphores: RefCell::new(alloc::vec![Semaphore::default(); count]),
            queues: RefCell::default(),
            undo: RefCell::default(),
            operated_at: Cell::new(0),
            changed_at: Cell::new(seconds()),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.semaphores.borrow().len()
    }

    /// Whether there are none, which never is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn queue(&self, number: u16) -> Rc<WaitQueue> {
        self.queues.borrow_mut().entry(number).or_default().clone()
    }

    /// Whether the caller may do this.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, caller: &Credentials, access: Access) -> Result<(), Errno> {
        self.owner.check(caller, access.bits())
    }

    /// Does all operations, or none.
    ///
    /// # Errors
    /// `EAGAIN` with `IPC_NOWAIT`; `ERANGE` beyond the largest value.
    pub fn operate(&self, operations: &[Operation], pid: Pid) -> Result<Operated, Errno> {
        let mut after = self.semaphores.borrow().clone();
        let mut undo = self.undo.borrow().get(&pid).cloned();
        for operation in operations {
            let Some(semaphore) = after.get_mut(usize::from(operation.number)) else { return Err(ERANGE) };
            let value = i32::from(semaphore.value) + i32::from(operation.change);
            let waits_for_zero = operation.change == 0 && semaphore.value != 0;
            if waits_for_zero || value < 0 {
                if operation.flags & NOWAIT != 0 {
                    return Err(EAGAIN);
                }
                let events = if waits_for_zero { ZERO } else { LARGER };
                return Ok(Operated::Waits(self.queue(operation.number), events));
            }
            if value > LARGEST {
                return Err(ERANGE);
            }
            semaphore.value = value as u16;
            semaphore.pid = pid.0;
            if operation.flags & UNDO != 0 && operation.change != 0 {
                let undo = undo.get_or_insert_with(|| alloc::vec![0; after.len()]);
                let Some(adjustment) = undo.get_mut(usize::from(operation.number)) else { return Err(ERANGE) };
                *adjustment = adjustment.checked_sub(operation.change).ok_or(ERANGE)?;
            }
        }
        if let Some(undo) = undo {
            self.undo.borrow_mut().insert(pid, undo);
        }
        self.operated_at.set(seconds());
        self.replace(after);
        Ok(Operated::Done)
    }

    /// Sets values, and wakes who waited for that.
    fn replace(&self, after: Vec<Semaphore>) {
        let before = self.semaphores.replace(after);
        let queues: Vec<_> = self.queues.borrow().iter().map(|(number, queue)| (*number, queue.clone())).collect();
        for (number, queue) in queues {
            let index = usize::from(number);
            let (old, new) = (before.get(index).map_or(0, |old| old.value), self.value(index).unwrap_or(0));
            if new > old {
                queue.wake(LARGER);
            }
            if new == 0 && old != 0 {
                queue.wake(ZERO);
            }
        }
    }

    /// `GETVAL`.
    pub fn value(&self, index: usize) -> Option<u16> {
        self.semaphores.borrow().get(index).map(|semaphore| semaphore.value)
    }

    /// `GETPID`.
    pub fn last_process(&self, index: usize) -> Option<u32> {
        self.semaphores.borrow().get(index).map(|semaphore| semaphore.pid)
    }

    /// `GETNCNT` and `GETZCNT`: who waits for a larger value, or for zero.
    pub fn waiters(&self, index: usize, for_zero: bool) -> usize {
        let queues = self.queues.borrow();
        let queue = u16::try_from(index).ok().and_then(|number| queues.get(&number));
        queue.map_or(0, |queue| queue.count(if for_zero { ZERO } else { LARGER }.bits()))
    }

    /// `GETALL`.
    pub fn values(&self) -> Vec<u16> {
        self.semaphores.borrow().iter().map(|semaphore| semaphore.value).collect()
    }

    /// `SETVAL` and `SETALL`: the values of the semaphores from `first` on. What was to be undone there is forgotten.
    pub fn set(&self, first: usize, values: &[u16], pid: Pid) {
        let mut after = self.semaphores.borrow().clone();
        for (semaphore, value) in after.iter_mut().skip(first).zip(values) {
            *semaphore = Semaphore { value: *value, pid: pid.0 };
        }
        for undo in self.undo.borrow_mut().values_mut() {
            for adjustment in undo.iter_mut().skip(first).take(values.len()) {
                *adjustment = 0;
            }
        }
        self.changed_at.set(seconds());
        self.replace(after);
    }

    /// `IPC_SET`.
    pub fn change(&self, uid: u32, gid: u32, mode: u32) {
        self.owner.change(uid, gid, mode);
        self.changed_at.set(seconds());
    }

    /// The set was removed: everybody who waits looks again.
    pub fn removed(&self) {
        let queues: Vec<_> = self.queues.borrow().values().cloned().collect();
        for queue in queues {
            queue.wake(LARGER | ZERO);
        }
    }

    /// A process ends: what it asked to be undone is undone, as far as values allow.
    fn process_ends(&self, pid: Pid) {
        let Some(undo) = self.undo.borrow_mut().remove(&pid) else { return };
        let mut after = self.semaphores.borrow().clone();
        for (semaphore, adjustment) in after.iter_mut().zip(undo).filter(|(_, adjustment)| *adjustment != 0) {
            let value = (i32::from(semaphore.value) + i32::from(adjustment)).clamp(0, LARGEST);
            *semaphore = Semaphore { value: value as u16, pid: pid.0 };
        }
        self.operated_at.set(seconds());
        self.replace(after);
    }

    /// `struct semid64_ds`.
    pub fn encode(&self, number: i32) -> Vec<u8> {
        let mut bytes = self.owner.encode(number);
        for word in [self.operated_at.get(), 0, self.changed_at.get(), 0, self.len() as u64, 0, 0] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn line(&self, number: i32) -> String {
        let (key, mode, [uid, gid, creator, creator_group]) = self.owner.columns();
        format!(
            "{key:10} {number:10}  {mode:4o} {:10} {uid:5} {gid:5} {creator:5} {creator_group:5} {:10} {:10}\n",
            self.len(),
            self.operated_at.get(),
            self.changed_at.get(),
        )
    }
}

/// `/proc/sysvipc/sem`.
pub fn listing() -> Vec<u8> {
    let mut text =
        String::from("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    text.extend(kernel().ipc.semaphores.all().iter().map(|(number, set)| set.line(*number)));
    text.into_bytes()
}

/// A process ends (`SEM_UNDO`).
pub fn process_ends(pid: Pid) {
    for (_, set) in kernel().ipc.semaphores.all() {
        set.process_ends(pid);
    }
}
