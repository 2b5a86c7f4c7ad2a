//! Futexes with priority inheritance: `FUTEX_LOCK_PI` and its relatives.
//!
//! The word holds the number of the owner. A lock that somebody waits for has a [`Lock`] here: the owner, and the
//! waiters in order. Unlocking hands the lock to the first of them, in the word and here, so that nobody can take it in
//! between; a thread that dies hands on what it owns, and the new owner marks the word. The host runs the threads, so
//! nobody's priority is raised.

use super::{Key, MATCH_ANY, OWNER_DIED, Reach, TID_MASK, WAITERS, change, key};
use crate::errno::{EAGAIN, EDEADLK, EINTR, EINVAL, EPERM, ESRCH, ETIMEDOUT, Errno};
use crate::kernel;
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::task::{Thread, Tid, park};
use crate::user_memory::{self, UserPtr};
use crate::wait::{Progress, WaitFor, WaitQueue, Wake};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Locks that somebody waits for, or that were handed to one who does not know yet.
#[derive(Default)]
pub struct Locks {
    locks: RefCell<BTreeMap<Key, Lock>>,
    /// Who waits to be moved to a lock (`FUTEX_WAIT_REQUEUE_PI`): where, and to which lock.
    movable: RefCell<BTreeMap<Tid, (Key, Key)>>,
}

struct Lock {
    owner: Tid,
    /// It was handed on and the owner has not gone on with its call yet; whether by one who died.
    handed: Option<Handed>,
    waiters: VecDeque<Tid>,
    queue: Rc<WaitQueue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handed {
    Unlocked,
    Died,
}

/// What a thread that asks for a lock gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Taken,
    Owned(Tid),
}

/// The owner that a word names.
fn owner_of(value: u32) -> Option<Tid> {
    match value & TID_MASK {
        0 => None,
        tid => Some(Tid(kernel().tasks.meant(tid))),
    }
}

/// What a word says when a thread owns it.
fn name_of(tid: Tid) -> u32 {
    kernel().thread(tid).map_or(tid.0, |thread| thread.known_as.get())
}

impl Locks {
    /// Whether somebody waits for a lock, or to be moved to one, at this word.
    pub fn is_waited_for(&self, key: Key) -> bool {
        self.locks.borrow().get(&key).is_some_and(|lock| !lock.waiters.is_empty())
            || self.movable.borrow().values().any(|(at, _)| *at == key)
    }

    /// Takes the word for `tid` when it is free; else marks that somebody waits, and finds the owner.
    fn ask(&self, word: UserPtr<u32>, key: Key, tid: Tid, mark: bool) -> Result<Asked, Errno> {
        let contended = self.locks.borrow().get(&key).map(|lock| (lock.owner, !lock.waiters.is_empty()));
        if contended.is_none() && kernel().futexes.find(key).is_some_and(|queue| queue.count(MATCH_ANY) > 0) {
            return Err(EINVAL);
        }
        loop {
            let value = user_memory::load(word)?;
            let owner = owner_of(value);
            if owner == Some(tid) {
                return Err(EDEADLK);
            }
            let (wanted, asked) = match (owner, contended) {
                (None, None) => {
                    let waiters = if mark { WAITERS } else { 0 };
                    (value & OWNER_DIED | name_of(tid) | waiters, Asked::Taken)
                }
                (Some(named), Some((owner, _))) if named != owner => return Err(EINVAL),
                (_, Some((owner, _))) => (value | WAITERS, Asked::Owned(owner)),
                (Some(owner), None) => {
                    if kernel().thread(owner).is_none() {
                        return Err(ESRCH);
                    }
                    (value | WAITERS, Asked::Owned(owner))
                }
            };
            if user_memory::compare_exchange(word, value, wanted)? == value {
                return Ok(asked);
            }
        }
    }

    /// Whether `owner` waits, through others' locks, for `tid`.
    fn would_deadlock(&self, owner: Tid, tid: Tid) -> bool {
        let locks = self.locks.borrow();
        let mut at = owner;
        for _ in 0..=locks.len() {
            if at == tid {
                return true;
            }
            match locks.values().find(|lock| lock.waiters.contains(&at)) {
                Some(lock) => at = lock.owner,
                None => return false,
            }
        }
        false
    }

    /// Enters a waiter for a lock that `owner` has; answers the queue.
    fn enter(&self, key: Key, owner: Tid, tid: Tid) -> Rc<WaitQueue> {
        let mut locks = self.locks.borrow_mut();
        let lock = locks.entry(key).or_insert_with(|| Lock {
            owner,
            handed: None,
            waiters: VecDeque::new(),
            queue: WaitQueue::new(),
        });
        if !lock.waiters.contains(&tid) {
            lock.waiters.push_back(tid);
        }
        lock.queue.clone()
    }

    /// A waiter goes without the lock.
    fn leave(&self, key: Key, tid: Tid) {
        let mut locks = self.locks.borrow_mut();
        if let Some(lock) = locks.get_mut(&key) {
            lock.waiters.retain(|other| *other != tid);
            if lock.waiters.is_empty() && lock.handed.is_none() {
                locks.remove(&key);
            }
        }
    }

    /// Whether a lock was handed to this thread, which takes note of it now.
    fn claim(&self, word: UserPtr<u32>, key: Key, tid: Tid) -> Result<bool, Errno> {
        let died = {
            let mut locks = self.locks.borrow_mut();
            let Some(lock) = locks.get_mut(&key).filter(|lock| lock.owner == tid) else { return Ok(false) };
            let Some(handed) = lock.handed.take() else { return Ok(false) };
            if lock.waiters.is_empty() {
                locks.remove(&key);
            }
            handed == Handed::Died
        };
        if died {
            change(word, |_| Some(name_of(tid) | WAITERS | OWNER_DIED))?;
        }
        Ok(true)
    }

    /// The first waiter owns the lock from now on; none when nobody waits.
    fn hand_on(&self, key: Key, how: Handed) -> Option<Tid> {
        let mut locks = self.locks.borrow_mut();
        let lock = locks.get_mut(&key)?;
        let Some(next) = lock.waiters.pop_front() else {
            locks.remove(&key);
            return None;
        };
        lock.owner = next;
        lock.handed = Some(how);
        Some(next)
    }

    /// A thread dies: what it owns goes to the next, and it waits for nothing any more.
    pub fn thread_leaves(&self, tid: Tid) {
        self.movable.borrow_mut().remove(&tid);
        let keys: Vec<Key> = self.locks.borrow().keys().copied().collect();
        for key in keys {
            let owned = self.locks.borrow().get(&key).is_some_and(|lock| lock.owner == tid);
            if !owned {
                self.leave(key, tid);
            } else if let Some(next) = self.hand_on(key, Handed::Died) {
                park::wake(next, Wake::Event);
            }
        }
    }
}

fn wait_in(queue: Rc<WaitQueue>, deadline: Option<u64>) -> Stop {
    let wait = WaitFor {
        queues: alloc::vec![(queue, MATCH_ANY)],
        deadline_ns: deadline,
        progress: deadline.map_or(Progress::None, Progress::Deadline),
        finishes: true,
        what: "futex: a lock",
        ..WaitFor::default()
    };
    Stop::Wait(wait, RestartRule::Always)
}

/// `FUTEX_LOCK_PI`, with an absolute deadline in guest monotonic ns.
pub fn lock(context: &Context<'_>, (word, reach): (UserPtr<u32>, Reach), deadline: Option<u64>) -> Outcome {
    let (locks, tid) = (&kernel().futexes.locks, context.thread.tid);
    let key = key(context.thread, word, reach)?;
    if locks.claim(word, key, tid)? {
        return Ok(0);
    }
    match context.resumed {
        Some((_, Wake::Timeout)) => {
            locks.leave(key, tid);
            return Err(ETIMEDOUT.into());
        }
        Some((_, Wake::Signal)) => {
            locks.leave(key, tid);
            return Err(EINTR.into());
        }
        Some((_, Wake::Event)) | None => {}
    }
    let deadline = context.progress().deadline().or(deadline);
    let waits =
        locks.locks.borrow().get(&key).filter(|lock| lock.waiters.contains(&tid)).map(|lock| lock.queue.clone());
    if let Some(queue) = waits {
        return Err(wait_in(queue, deadline));
    }
    match locks.ask(word, key, tid, false)? {
        Asked::Taken => Ok(0),
        Asked::Owned(owner) if locks.would_deadlock(owner, tid) => Err(EDEADLK.into()),
        Asked::Owned(owner) => Err(wait_in(locks.enter(key, owner, tid), deadline)),
    }
}

/// `FUTEX_TRYLOCK_PI`.
pub fn try_lock(thread: &Thread, (word, reach): (UserPtr<u32>, Reach)) -> Outcome {
    let locks = &kernel().futexes.locks;
    match locks.ask(word, key(thread, word, reach)?, thread.tid, false)? {
        Asked::Taken => Ok(0),
        Asked::Owned(_) => Err(EAGAIN.into()),
    }
}

/// `FUTEX_UNLOCK_PI`.
pub fn unlock(thread: &Thread, (word, reach): (UserPtr<u32>, Reach)) -> Outcome {
    let locks = &kernel().futexes.locks;
    let value = user_memory::load(word)?;
    if owner_of(value) != Some(thread.tid) {
        return Err(EPERM.into());
    }
    let key = key(thread, word, reach)?;
    let owner = locks.locks.borrow().get(&key).filter(|lock| !lock.waiters.is_empty()).map(|lock| lock.owner);
    match owner {
        Some(owner) if owner != thread.tid => return Err(EINVAL.into()),
        Some(_) => {
            if let Some(next) = locks.hand_on(key, Handed::Unlocked) {
                change(word, |_| Some(name_of(next) | WAITERS))?;
                park::wake(next, Wake::Event);
            }
        }
        None if kernel().futexes.find(key).is_some_and(|queue| queue.count(MATCH_ANY) > 0) => {
            return Err(EINVAL.into());
        }
        None => {
            if user_memory::compare_exchange(word, value, 0)? != value {
                return unlock(thread, (word, reach));
            }
        }
    }
    Ok(0)
}

/// `FUTEX_WAIT_REQUEUE_PI`: waits at one word until it is moved to a lock, and for that. The deadline is absolute.
pub fn wait_to_be_moved(
    context: &Context<'_>,
    [word, target]: [UserPtr<u32>; 2],
    reach: Reach,
    expected: u32,
    deadline: Option<u64>,
) -> Outcome {
    let (futexes, tid) = (&kernel().futexes, context.thread.tid);
    let (at, to) = (key(context.thread, word, reach)?, key(context.thread, target, reach)?);
    if at == to {
        return Err(EINVAL.into());
    }
    if context.resumed.is_some() && futexes.locks.claim(target, to, tid)? {
        futexes.locks.movable.borrow_mut().remove(&tid);
        return Ok(0);
    }
    let moved = context.resumed.is_some() && !futexes.locks.movable.borrow().contains_key(&tid);
    let give_up = |errno: Errno| {
        futexes.locks.movable.borrow_mut().remove(&tid);
        futexes.locks.leave(to, tid);
        Err(errno.into())
    };
    match context.resumed {
        Some((_, Wake::Timeout)) => return give_up(ETIMEDOUT),
        // Once it was moved the word says another value: Linux does not begin again.
        Some((_, Wake::Signal)) => return give_up(if moved { EAGAIN } else { EINTR }),
        Some((_, Wake::Event)) | None => {}
    }
    let deadline = context.progress().deadline().or(deadline);
    if moved {
        let queue = futexes.locks.locks.borrow().get(&to).map(|lock| lock.queue.clone());
        return match queue {
            Some(queue) => Err(wait_in(queue, deadline)),
            None => give_up(EAGAIN),
        };
    }
    if context.resumed.is_none() && user_memory::load(word)? != expected {
        return Err(EAGAIN.into());
    }
    futexes.locks.movable.borrow_mut().insert(tid, (at, to));
    Err(wait_in(futexes.find_or_make(at), deadline))
}

/// `FUTEX_CMP_REQUEUE_PI`, after the comparison: the first waiter gets the lock or waits for it, up to `most` more wait
/// behind; answers how many were moved.
pub fn move_to_lock(thread: &Thread, [word, target]: [UserPtr<u32>; 2], reach: Reach, most: usize) -> Outcome {
    let futexes = &kernel().futexes;
    let (at, to) = (key(thread, word, reach)?, key(thread, target, reach)?);
    if at == to {
        return Err(EINVAL.into());
    }
    let Some(queue) = futexes.find(at) else { return Ok(0) };
    let mut moved = 0;
    for tid in queue.threads().into_iter().take(most.saturating_add(1)) {
        if futexes.locks.movable.borrow().get(&tid) != Some(&(at, to)) {
            return Err(EINVAL.into());
        }
        match futexes.locks.ask(target, to, tid, moved > 0 || most > 0) {
            Ok(Asked::Taken) => {
                let lock = Lock {
                    owner: tid,
                    handed: Some(Handed::Unlocked),
                    waiters: VecDeque::new(),
                    queue: WaitQueue::new(),
                };
                futexes.locks.locks.borrow_mut().insert(to, lock);
            }
            Ok(Asked::Owned(owner)) => {
                futexes.locks.enter(to, owner, tid);
            }
            Err(errno) if moved == 0 => return Err(errno.into()),
            Err(_) => break,
        }
        moved += 1;
        futexes.locks.movable.borrow_mut().remove(&tid);
        // It goes on by itself: with the lock, or to wait for it.
        park::wake(tid, Wake::Event);
    }
    Ok(moved)
}
