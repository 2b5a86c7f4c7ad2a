//! Futexes: `futex(2)`, `futex_waitv(2)`, and the robust lists of `get_robust_list(2)`.
//!
//! A waiter stands in the queue of its key and is woken by name, in order; being woken completes its call, it does
//! not compare again. Comparing and entering happen under the kernel lock, and so does every wake: between
//! the two nothing can be lost.

pub mod pi;

use super::Thread;
use crate::errno::{EAGAIN, EFAULT, EINVAL, ENOSYS, ETIMEDOUT, Errno};
use crate::host::protection;
use crate::kernel;
use crate::mm::region::{Backing, Sharing};
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::user_memory::{self, UserAddr, UserPtr};
use crate::wait::{Progress, WaitFor, WaitQueue, Wake};
use abi::layout::GUEST_END;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A futex word: the number of the address space it lies in, and its address there; in memory that mappings share, the
/// number of the shared object and the place in it.
pub type Key = (u64, u64);

/// `FUTEX_BITSET_MATCH_ANY`.
pub const MATCH_ANY: u32 = u32::MAX;
/// Somebody waits for the lock word (`get_robust_list(2)`).
const WAITERS: u32 = 0x8000_0000;
/// The holder of the lock word died.
const OWNER_DIED: u32 = 0x4000_0000;
/// Thread number of the holder.
const TID_MASK: u32 = 0x3fff_ffff;
/// Longest robust list that is walked (Linux: `ROBUST_LIST_LIMIT`).
const ROBUST_LIMIT: usize = 2048;
/// Dead queues that may lie in the table before it is tidied up.
const TIDY_FROM: usize = 64;

/// All futexes somebody waits for. A queue lives as long as its waiters hold it.
#[derive(Default)]
pub struct Futexes {
    queues: RefCell<BTreeMap<Key, Weak<WaitQueue>>>,
    tidy_at: Cell<usize>,
    /// Locks with priority inheritance.
    pub locks: pi::Locks,
}

impl Futexes {
    fn find(&self, key: Key) -> Option<Rc<WaitQueue>> {
        self.queues.borrow().get(&key).and_then(Weak::upgrade)
    }

    fn find_or_make(&self, key: Key) -> Rc<WaitQueue> {
        if let Some(queue) = self.find(key) {
            return queue;
        }
        let queue = WaitQueue::new();
        let mut queues = self.queues.borrow_mut();
        if queues.len() >= self.tidy_at.get().max(TIDY_FROM) {
            queues.retain(|_, queue| queue.strong_count() > 0);
            self.tidy_at.set(2 * queues.len());
        }
        queues.insert(key, Rc::downgrade(&queue));
        queue
    }
}

/// Who waits for a futex word, or wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Threads of the same address space only (`FUTEX_PRIVATE_FLAG`).
    Private,
    /// Whoever has a mapping of the memory.
    Shared,
}

/// The key of a word as this thread sees it.
///
/// # Errors
/// `EINVAL` when it is not aligned, `EFAULT` when it is not the guest's.
pub fn key(thread: &Thread, word: UserPtr<u32>, reach: Reach) -> Result<Key, Errno> {
    let address = word.address().0;
    if !address.is_multiple_of(4) {
        return Err(EINVAL);
    }
    if address > GUEST_END - 4 && !cfg!(test) {
        return Err(EFAULT);
    }
    let space = thread.process().space();
    if reach == Reach::Shared && !cfg!(test) {
        let region = space.region_at(address).ok_or(EFAULT)?;
        if let Some((object, offset, Sharing::Shared)) = region.backing.object() {
            return Ok((object.number, offset + (address - region.start)));
        }
        // Memory of its own that never changes is nothing to wait at.
        if matches!(region.backing, Backing::Anonymous) && region.protection & protection::WRITE == 0 {
            return Err(EFAULT);
        }
    }
    Ok((space.number, address))
}

/// `FUTEX_WAIT` and `FUTEX_WAIT_BITSET`, with an absolute deadline in guest monotonic ns.
pub fn wait(
    context: &Context<'_>,
    (word, reach): (UserPtr<u32>, Reach),
    expected: u32,
    bits: u32,
    deadline: Option<u64>,
) -> Outcome {
    match context.resumed {
        Some((_, Wake::Event)) => return Ok(0),
        Some((_, Wake::Timeout)) => return Err(ETIMEDOUT.into()),
        // A signal that another thread took: compares again, since a wake may have passed this thread over.
        Some((_, Wake::Signal)) | None => {}
    }
    let deadline = context.progress().deadline().or(deadline);
    if bits == 0 {
        return Err(EINVAL.into());
    }
    let key = key(context.thread, word, reach)?;
    if user_memory::load(word)? != expected {
        return Err(EAGAIN.into());
    }
    let queue = kernel().futexes.find_or_make(key);
    // A wait with a time is a `restart_syscall` one in Linux: never run again after a handler.
    let rule = if deadline.is_some() { RestartRule::Never } else { RestartRule::IfFlagged };
    let wait = WaitFor {
        queues: alloc::vec![(queue, bits)],
        deadline_ns: deadline,
        progress: Progress::entered(deadline),
        what: "futex",
        ..WaitFor::default()
    };
    Err(Stop::Wait(wait, rule))
}

/// One of the words of `futex_waitv(2)`, and the value expected there.
pub type Expected = (UserPtr<u32>, Reach, u32);

/// `futex_waitv(2)`: waits until one of the words is woken; answers which.
pub fn wait_for_one(context: &Context<'_>, words: &[Expected], deadline: Option<u64>) -> Outcome {
    match context.resumed {
        Some((Progress::Woken(index), _)) => return Ok(index),
        Some((_, Wake::Timeout)) => return Err(ETIMEDOUT.into()),
        _ => {}
    }
    let deadline = context.progress().deadline().or(deadline);
    let mut queues = Vec::new();
    for (word, reach, expected) in words {
        let key = key(context.thread, *word, *reach)?;
        if user_memory::load(*word)? != *expected {
            return Err(EAGAIN.into());
        }
        queues.push((kernel().futexes.find_or_make(key), MATCH_ANY));
    }
    let wait = WaitFor {
        queues,
        deadline_ns: deadline,
        progress: Progress::entered(deadline),
        what: "futexes",
        ..WaitFor::default()
    };
    Err(Stop::Wait(wait, RestartRule::IfFlagged))
}

/// Wakes the first `count` waiters of a word whose bits meet; answers how many.
pub fn wake(key: Key, bits: u32, count: usize) -> usize {
    kernel().futexes.find(key).map_or(0, |queue| queue.wake_in_order(bits, count))
}

/// Whether a word's waiters may be woken by name: those of a lock get it from its owner.
///
/// # Errors
/// `EINVAL`.
pub fn check_plain(key: Key) -> Result<Key, Errno> {
    if kernel().futexes.locks.is_waited_for(key) { Err(EINVAL) } else { Ok(key) }
}

/// Wakes `wake_count` waiters of one word and moves up to `move_count` more to another; answers how many in all.
pub fn requeue(from: Key, to: Key, wake_count: usize, move_count: usize) -> usize {
    let Some(source) = kernel().futexes.find(from) else { return 0 };
    let woken = source.wake_in_order(MATCH_ANY, wake_count);
    if from == to {
        return woken;
    }
    let target = kernel().futexes.find_or_make(to);
    let moved = source.move_to(&target, move_count);
    for tid in &moved {
        if let Some(thread) = kernel().thread(*tid)
            && let Some(wait) = thread.waiting.borrow_mut().as_mut()
        {
            for (queue, _) in &mut wait.queues {
                if Rc::ptr_eq(queue, &source) {
                    *queue = target.clone();
                }
            }
        }
    }
    woken + moved.len()
}

/// `FUTEX_WAKE_OP`: changes the second word, wakes waiters of the first, and such of the second one when its old
/// value compares.
pub fn wake_op(
    thread: &Thread,
    words: [UserPtr<u32>; 2],
    reach: Reach,
    counts: [usize; 2],
    operation: u32,
) -> Result<usize, Errno> {
    let keys = [check_plain(key(thread, words[0], reach)?)?, key(thread, words[1], reach)?];
    let (_, met) = operate(words[1], operation)?;
    let mut woken = wake(keys[0], MATCH_ANY, counts[0]);
    if met {
        woken += wake(check_plain(keys[1])?, MATCH_ANY, counts[1]);
    }
    Ok(woken)
}

/// Does the operation encoded as in `FUTEX_OP()` of `futex(2)`: the old value, and whether it compares.
fn operate(word: UserPtr<u32>, operation: u32) -> Result<(u32, bool), Errno> {
    let sign_extend = |bits: u32| ((bits << 20) as i32 >> 20) as u32;
    let argument = sign_extend(operation >> 12 & 0xfff);
    let compared = sign_extend(operation & 0xfff);
    let argument = if operation >> 31 != 0 { 1u32 << (argument & 31) } else { argument };
    let compute: fn(u32, u32) -> u32 = match operation >> 28 & 7 {
        0 => |_, argument| argument,
        1 => u32::wrapping_add,
        2 => |old, argument| old | argument,
        3 => |old, argument| old & !argument,
        4 => |old, argument| old ^ argument,
        _ => return Err(ENOSYS),
    };
    let compare: fn(i32, i32) -> bool = match operation >> 24 & 15 {
        0 => |a, b| a == b,
        1 => |a, b| a != b,
        2 => |a, b| a < b,
        3 => |a, b| a <= b,
        4 => |a, b| a > b,
        5 => |a, b| a >= b,
        _ => return Err(ENOSYS),
    };
    let old = change(word, |old| Some(compute(old, argument)))?;
    Ok((old, compare(old as i32, compared as i32)))
}

/// Changes a word atomically; answers the old value. `None` leaves it.
fn change(word: UserPtr<u32>, compute: impl Fn(u32) -> Option<u32>) -> Result<u32, Errno> {
    let mut seen = user_memory::load(word)?;
    loop {
        let Some(new) = compute(seen) else { return Ok(seen) };
        let old = user_memory::compare_exchange(word, seen, new)?;
        if old == seen {
            return Ok(old);
        }
        seen = old;
    }
}

/// What a thread leaves behind: its robust locks get the mark of a dead owner, its `clear_child_tid` word is
/// cleared and woken. Memory that can't be reached is the guest's own loss.
pub fn thread_leaves(thread: &Thread) {
    if !thread.robust_list.get().is_null() {
        let _ = walk_robust_list(thread, thread.robust_list.get());
    }
    kernel().futexes.locks.thread_leaves(thread.tid);
    let cleared = thread.clear_child_tid.replace(UserAddr(0));
    if !cleared.is_null() {
        let word = UserPtr::new(cleared.0);
        if word.write(0).is_ok()
            && let Ok(key) = key(thread, word, Reach::Shared)
        {
            wake(key, MATCH_ANY, 1);
        }
    }
}

/// `struct robust_list_head`: first entry, offset of the lock word from an entry, the entry being changed.
fn walk_robust_list(thread: &Thread, head: UserAddr) -> Result<(), Errno> {
    let [first, offset, pending] = UserPtr::<[u64; 3]>::new(head.0).read()?;
    let mut entry = first;
    for _ in 0..ROBUST_LIMIT {
        if entry & !1 == head.0 {
            break;
        }
        // Read before the lock is given up: its next owner may unlink the entry.
        let next = UserPtr::<u64>::new(entry & !1).read();
        if entry & !1 != pending & !1 {
            bury(thread, (entry & !1).wrapping_add(offset), entry & 1 != 0, false)?;
        }
        entry = next?;
    }
    if pending & !1 != 0 {
        bury(thread, (pending & !1).wrapping_add(offset), pending & 1 != 0, true)?;
    }
    Ok(())
}

/// Marks one lock word of a dead thread.
fn bury(thread: &Thread, address: u64, inheriting: bool, pending: bool) -> Result<(), Errno> {
    let word = UserPtr::<u32>::new(address);
    let key = key(thread, word, Reach::Shared)?;
    let is_ours = |value: u32| kernel().tasks.meant(value & TID_MASK) == thread.tid.0;
    let old = change(word, |old| is_ours(old).then_some(old & WAITERS | OWNER_DIED))?;
    let was_ours = is_ours(old);
    // A lock that was just released, its waiter not yet woken.
    let released = pending && !inheriting && old == 0;
    if released || was_ours && !inheriting && old & WAITERS != 0 {
        wake(key, MATCH_ANY, 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PROGRAM, Pid, Process, Tid, park};
    use core::sync::atomic::Ordering::Relaxed;

    /// A program with this many threads, all of them data.
    fn program(threads: u32) -> Vec<Rc<Thread>> {
        crate::local::local().stopping.store(1, Relaxed);
        let process = Process::new(PROGRAM, Pid(1), Rc::default(), Rc::default(), Rc::default());
        (0..threads)
            .map(|number| {
                let thread = Thread::new(Tid(PROGRAM.0 + number), process.clone());
                kernel().tasks.threads.borrow_mut().insert(thread.tid, thread.clone());
                thread
            })
            .collect()
    }

    fn word(value: &u32) -> UserPtr<u32> {
        UserPtr::new(core::ptr::from_ref(value) as u64)
    }

    fn enter(thread: &Rc<Thread>, key: Key, bits: u32) {
        let queue = kernel().futexes.find_or_make(key);
        let wait = WaitFor { queues: alloc::vec![(queue, bits)], progress: Progress::Entered, ..WaitFor::default() };
        park::begin_wait(thread, wait);
    }

    #[test]
    fn waiters_are_woken_in_order_and_by_their_bits() {
        let threads = program(3);
        let key = (7, 0x1000);
        for (thread, bits) in threads.iter().zip([1, 2, 3]) {
            enter(thread, key, bits);
        }
        assert_eq!(wake(key, 2, 1), 1);
        assert_eq!(threads[1].woken.get(), Some(Wake::Event));
        assert_eq!(wake(key, MATCH_ANY, 5), 2);
        assert_eq!(wake(key, MATCH_ANY, 5), 0);
    }

    #[test]
    fn requeued_waiter_is_woken_at_its_new_word_only() {
        let threads = program(3);
        let (from, to) = ((7, 0x1000), (7, 0x2000));
        for thread in &threads {
            enter(thread, from, MATCH_ANY);
        }
        assert_eq!(requeue(from, to, 1, 1), 2);
        assert_eq!(wake(to, MATCH_ANY, 9), 1);
        assert_eq!(threads[1].woken.get(), Some(Wake::Event));
        assert!(threads[2].is_waiting());
        assert!(park::end_wait(&threads[1]).is_some());
        assert_eq!(wake(from, MATCH_ANY, 9), 1);
    }

    #[test]
    fn wake_op_changes_and_compares_the_second_word() {
        let (add, greater) = (1 << 28, 4 << 24);
        let value = 5;
        assert_eq!(operate(word(&value), add | greater | 3 << 12 | 4), Ok((5, true)));
        assert_eq!(operate(word(&value), add | greater | 0xfff << 12 | 8), Ok((8, false)));
        assert_eq!(user_memory::load(word(&value)), Ok(7));
        assert_eq!(operate(word(&value), 9 << 24), Err(ENOSYS));
    }

    #[test]
    fn robust_lock_of_a_dead_thread_is_marked() {
        let threads = program(2);
        let lock = threads[0].tid.0 | WAITERS;
        let foreign = threads[1].tid.0;
        let mut list = [0u64; 8];
        let base = list.as_ptr() as u64;
        // Head (next, offset, pending), then two entries of two words: next, lock.
        list[..7].copy_from_slice(&[base + 24, 8, 0, base + 40, lock.into(), base, foreign.into()]);
        threads[0].robust_list.set(UserAddr(base));
        thread_leaves(&threads[0]);
        let list = core::hint::black_box(&list);
        assert_eq!(list[4] as u32, WAITERS | OWNER_DIED);
        assert_eq!(list[6] as u32, foreign);
    }
}
