//! Threads: their beginning, their end, and `futex(2)`.

use super::{Context, Outcome, Stop};
use crate::errno::{E2BIG, EAGAIN, EINTR, EINVAL, ENOSYS, EPERM, ESRCH, Errno};
use crate::events::pidfd::PidFd;
use crate::fs::file::OpenFlags;
use crate::kernel;
use crate::task::fork::{self, Birth, beginning};
use crate::task::futex::{Reach, pi};
use crate::task::schedule::DEADLINE;
use crate::task::signal::Signal;
use crate::task::{Thread, Tid, exit, futex as futexes, host_process};
use crate::time::clock;
use crate::user_memory::{UserAddr, UserPtr, copy_in};
use abi::control::Exit;
use abi::layout::GUEST_END;
use alloc::rc::Rc;
use alloc::vec::Vec;
use bitflags::bitflags;

bitflags! {
    /// `CLONE_*` of `clone(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct CloneFlags: u64 {
        const VM = 0x100;
        const FS = 0x200;
        const FILES = 0x400;
        const SIGHAND = 0x800;
        const PIDFD = 0x1000;
        const PTRACE = 0x2000;
        const VFORK = 0x4000;
        const PARENT = 0x8000;
        const THREAD = 0x1_0000;
        const NEWNS = 0x2_0000;
        const SYSVSEM = 0x4_0000;
        const SETTLS = 0x8_0000;
        const PARENT_SETTID = 0x10_0000;
        const CHILD_CLEARTID = 0x20_0000;
        const DETACHED = 0x40_0000;
        const UNTRACED = 0x80_0000;
        const CHILD_SETTID = 0x100_0000;
        const IO = 0x8000_0000;
        const CLEAR_SIGHAND = 0x1_0000_0000;
    }
}

impl CloneFlags {
    /// What every thread here shares with its process.
    const SHARED: Self = Self::VM.union(Self::FS).union(Self::FILES).union(Self::SIGHAND).union(Self::THREAD);
    /// What a process may have.
    const PROCESS_ALLOWED: Self = Self::VM
        .union(Self::FS)
        .union(Self::FILES)
        .union(Self::SIGHAND)
        .union(Self::VFORK)
        .union(Self::PARENT)
        .union(Self::CLEAR_SIGHAND)
        .union(Self::ALWAYS_ALLOWED);
    /// What a thread may have.
    const THREAD_ALLOWED: Self = Self::SHARED.union(Self::ALWAYS_ALLOWED);
    /// What both may have.
    const ALWAYS_ALLOWED: Self = Self::SYSVSEM
        .union(Self::SETTLS)
        .union(Self::PARENT_SETTID)
        .union(Self::CHILD_CLEARTID)
        .union(Self::CHILD_SETTID)
        .union(Self::DETACHED)
        .union(Self::UNTRACED)
        .union(Self::PTRACE)
        .union(Self::PIDFD)
        .union(Self::IO);
}

/// `clone(2)`.
pub fn clone(
    context: &mut Context<'_>,
    flags: u64,
    stack: UserAddr,
    parent_tid: UserPtr<u32>,
    child_tid: UserPtr<u32>,
    tls: u64,
) -> Outcome {
    // The low byte is the signal for the parent, which threads don't have.
    let exit_signal = (flags & 0xff) as u8;
    let flags = flags & 0xffff_ff00;
    let has = |flag: CloneFlags| flags & flag.bits() != 0;
    // The place for the descriptor is that for the number.
    if has(CloneFlags::PIDFD) && (has(CloneFlags::PARENT_SETTID) || has(CloneFlags::DETACHED)) {
        return Err(EINVAL.into());
    }
    begin(context, flags, exit_signal, stack, [parent_tid, child_tid, parent_tid], tls)
}

/// `fork(2)`.
pub fn fork(context: &mut Context<'_>) -> Outcome {
    let none = UserPtr::new(0);
    begin(context, 0, Signal::CHLD.0, UserAddr(0), [none; 3], 0)
}

/// `vfork(2)`.
pub fn vfork(context: &mut Context<'_>) -> Outcome {
    let flags = CloneFlags::VM | CloneFlags::VFORK;
    let none = UserPtr::new(0);
    begin(context, flags.bits(), Signal::CHLD.0, UserAddr(0), [none; 3], 0)
}

/// `clone3(2)`: `struct clone_args` as eleven words.
pub fn clone3(context: &mut Context<'_>, arguments: UserAddr, size: usize) -> Outcome {
    const WORDS: usize = 11;
    if size < 64 {
        return Err(EINVAL.into());
    }
    if size > 4096 {
        return Err(E2BIG.into());
    }
    let mut bytes = alloc::vec![0u8; size.max(WORDS * 8)];
    copy_in(&mut bytes[..size], arguments)?;
    if bytes[WORDS * 8..].iter().any(|byte| *byte != 0) {
        return Err(E2BIG.into());
    }
    let [flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_count, cgroup] =
        crate::user_memory::from_bytes::<[u64; WORDS]>(&bytes);
    let detached = flags & CloneFlags::DETACHED.bits() != 0;
    let parented = flags & (CloneFlags::THREAD | CloneFlags::PARENT).bits() != 0;
    if exit_signal > 64 || parented && exit_signal != 0 || (stack == 0) != (stack_size == 0) || flags & 0xff != 0 {
        return Err(EINVAL.into());
    }
    // Numbers are chosen one a namespace, of which there can be 32.
    if detached || set_tid_count > 32 || (set_tid == 0) != (set_tid_count == 0) || cgroup > i32::MAX as u64 {
        return Err(EINVAL.into());
    }
    if set_tid_count > 1 {
        return Err(EINVAL.into());
    }
    if set_tid_count != 0 {
        kernel().note_unsupported("clone3 with set_tid");
        return Err(EPERM.into());
    }
    let top = UserAddr(stack).add(stack_size);
    let places = [parent_tid, child_tid, pidfd].map(UserPtr::new);
    begin(context, flags, exit_signal as u8, top, places, tls)
}

fn begin(
    context: &mut Context<'_>,
    flags: u64,
    exit_signal: u8,
    stack: UserAddr,
    [parent_tid, child_tid, pidfd]: [UserPtr<u32>; 3],
    tls: u64,
) -> Outcome {
    let has = |flag: CloneFlags| flags & flag.bits() != 0;
    // A process that is told to end gets no more threads: nobody would tell them.
    if context.thread.exiting.get() {
        return Err(EINTR.into());
    }
    if has(CloneFlags::THREAD) && !has(CloneFlags::SIGHAND) || has(CloneFlags::SIGHAND) && !has(CloneFlags::VM) {
        return Err(EINVAL.into());
    }
    // A thread with a deadline can't be two.
    let schedule = context.thread.schedule.borrow().clone();
    let is_divisible = schedule.policy != DEADLINE || schedule.reset_on_fork;
    if context.resumed.is_none() && (!exit::fits_user_limit(&context.process()) || !is_divisible) {
        return Err(EAGAIN.into());
    }
    let tid_address = |flag, address: UserPtr<u32>| if has(flag) { address.address() } else { UserAddr(0) };
    if !has(CloneFlags::THREAD) {
        if flags & !CloneFlags::PROCESS_ALLOWED.bits() != 0 {
            kernel().note_unsupported("clone of a process with namespaces");
            return Err(EINVAL.into());
        }
        if has(CloneFlags::SIGHAND) {
            kernel().note_unsupported("clone of a process that shares signal actions");
            if has(CloneFlags::CLEAR_SIGHAND) {
                return Err(EINVAL.into());
            }
        }
        if has(CloneFlags::SETTLS) && tls >= GUEST_END {
            return Err(EPERM.into());
        }
        let birth = Birth {
            memory: has(CloneFlags::VM),
            fs: has(CloneFlags::FS),
            files: has(CloneFlags::FILES),
            sibling: has(CloneFlags::PARENT),
            wait: has(CloneFlags::VFORK),
            default_actions: has(CloneFlags::CLEAR_SIGHAND),
            exit_signal,
            stack,
            tls: has(CloneFlags::SETTLS).then_some(tls),
            parent_tid: tid_address(CloneFlags::PARENT_SETTID, parent_tid),
            child_tid: tid_address(CloneFlags::CHILD_SETTID, child_tid),
            clear_child_tid: guest_address(tid_address(CloneFlags::CHILD_CLEARTID, child_tid)),
            pidfd: tid_address(CloneFlags::PIDFD, pidfd),
        };
        let resumed = context.resumed.map(|(progress, _)| progress);
        return fork::fork(context.thread, context.frame, birth, resumed);
    }
    if flags & CloneFlags::SHARED.bits() != CloneFlags::SHARED.bits() || flags & !CloneFlags::THREAD_ALLOWED.bits() != 0
    {
        kernel().note_unsupported("clone of a thread with files, directory or namespaces of its own");
        return Err(EINVAL.into());
    }
    if has(CloneFlags::SETTLS) && tls >= GUEST_END {
        return Err(EPERM.into());
    }
    if !exit::fits_limit() {
        return Err(EAGAIN.into());
    }
    let tid = kernel().tasks.allocate();
    let pidfd = match has(CloneFlags::PIDFD) {
        true => {
            let file = PidFd::open(context.process(), Some(tid), OpenFlags::empty());
            Some(fork::add_pidfd(&context.process(), file, pidfd.address())?)
        }
        false => None,
    };
    if has(CloneFlags::PARENT_SETTID) {
        parent_tid.write(tid.0)?;
    }
    if has(CloneFlags::CHILD_SETTID) {
        // Linux writes it in the child and lets a fault pass.
        let _ = child_tid.write(tid.0);
    }
    let thread = context.thread.sibling(tid);
    *thread.schedule.borrow_mut() = context.thread.schedule.borrow().of_child();
    if has(CloneFlags::CHILD_CLEARTID) {
        thread.clear_child_tid.set(guest_address(child_tid.address()));
    }
    let birth = Birth { stack, tls: has(CloneFlags::SETTLS).then_some(tls), ..Birth::default() };
    *thread.saved.borrow_mut() = Some(beginning(context.frame, &birth));
    enter(&thread);
    if let Err(errno) = host_process::start_host_thread(Some(tid)) {
        thread.process().threads.borrow_mut().remove(&tid);
        kernel().tasks.threads.borrow_mut().remove(&tid);
        if let Some(fd) = pidfd {
            let _ = context.process().descriptors().remove(fd);
        }
        return Err(errno.into());
    }
    Ok(tid.0 as usize)
}

fn enter(thread: &Rc<Thread>) {
    thread.process().threads.borrow_mut().insert(thread.tid, thread.clone());
    kernel().tasks.threads.borrow_mut().insert(thread.tid, thread.clone());
}

/// An address that is kept: null when it is not the guest's.
fn guest_address(address: UserAddr) -> UserAddr {
    if address.0 < GUEST_END { address } else { UserAddr(0) }
}

/// `gettid(2)`.
pub fn gettid(context: &mut Context<'_>) -> Outcome {
    Ok(shown(context.thread) as usize)
}

/// A first thread has the number of its process.
fn shown(thread: &Thread) -> u32 {
    let tid = thread.tid.0;
    if thread.process().pid.0 == tid { kernel().tasks.shown(tid) } else { tid }
}

/// `set_tid_address(2)`.
pub fn set_tid_address(context: &mut Context<'_>, tid: UserAddr) -> Outcome {
    let number = shown(context.thread);
    context.thread.clear_child_tid.set(guest_address(tid));
    context.thread.known_as.set(number);
    Ok(number as usize)
}

/// `_exit(2)` of one thread.
pub fn exit(context: &mut Context<'_>, status: i32) -> Outcome {
    let process = context.process();
    if process.pid.0 == context.thread.tid.0 && process.exit.get().is_none() {
        process.exit.set(Some(Exit::Status(status as u8)));
    }
    Err(Stop::ThreadExit)
}

/// `exit_group(2)`.
pub fn exit_group(_context: &mut Context<'_>, status: i32) -> Outcome {
    Err(Stop::ProcessExit(Exit::Status(status as u8)))
}

/// Bytes of a `struct robust_list_head`.
const ROBUST_HEAD: usize = 24;

/// `set_robust_list(2)`.
pub fn set_robust_list(context: &mut Context<'_>, head: UserAddr, len: usize) -> Outcome {
    if len != ROBUST_HEAD {
        return Err(EINVAL.into());
    }
    context.thread.robust_list.set(guest_address(head));
    Ok(0)
}

/// `get_robust_list(2)`.
pub fn get_robust_list(context: &mut Context<'_>, tid: i32, head: UserPtr<u64>, len: UserPtr<u64>) -> Outcome {
    let thread = match u32::try_from(tid) {
        Ok(0) => context.thread.clone(),
        Ok(tid) => kernel().thread(Tid(tid)).ok_or(ESRCH)?,
        Err(_) => return Err(ESRCH.into()),
    };
    len.write(ROBUST_HEAD as u64)?;
    head.write(thread.robust_list.get().0)?;
    Ok(0)
}

/// Without `FUTEX_PRIVATE_FLAG` and `FUTEX_CLOCK_REALTIME`.
const FUTEX_COMMAND: u32 = !(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
const FUTEX_PRIVATE: u32 = 0x80;
const FUTEX_CLOCK_REALTIME: u32 = 0x100;

/// `futex(2)`.
pub fn futex(
    context: &mut Context<'_>,
    word: UserPtr<u32>,
    operation: u32,
    value: u32,
    time: u64,
    other: UserPtr<u32>,
    value3: u32,
) -> Outcome {
    let realtime = operation & FUTEX_CLOCK_REALTIME != 0;
    let command = operation & FUTEX_COMMAND;
    // WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2
    if realtime && !matches!(command, 9 | 11 | 13) {
        return Err(ENOSYS.into());
    }
    // Linux wakes one for a count below one.
    let count = |count: u32| (count as i32).max(1) as usize;
    let counts = || match ((value as i32), (time as i32)) {
        (0.., 0..) => Ok((value as usize, time as u32 as usize)),
        _ => Err(EINVAL),
    };
    let reach = if operation & FUTEX_PRIVATE == 0 { Reach::Shared } else { Reach::Private };
    let key = |word| futexes::key(context.thread, word, reach);
    match command {
        0 => futexes::wait(context, (word, reach), value, futexes::MATCH_ANY, futex_deadline(context, time, None)?),
        9 => futexes::wait(context, (word, reach), value, value3, futex_deadline(context, time, Some(realtime))?),
        1 => Ok(futexes::wake(futexes::check_plain(key(word)?)?, futexes::MATCH_ANY, count(value))),
        10 if value3 == 0 => Err(EINVAL.into()),
        10 => Ok(futexes::wake(futexes::check_plain(key(word)?)?, value3, count(value))),
        3 | 4 => {
            let (wake, requeue) = counts()?;
            let (from, to) = (key(word)?, key(other)?);
            if command == 4 && crate::user_memory::load(word)? != value3 {
                return Err(EAGAIN.into());
            }
            Ok(futexes::requeue(futexes::check_plain(from)?, to, wake, requeue))
        }
        5 => Ok(futexes::wake_op(context.thread, [word, other], reach, [count(value), count(time as u32)], value3)?),
        // LOCK_PI goes by the real-time clock.
        6 => pi::lock(context, (word, reach), futex_deadline(context, time, Some(true))?),
        13 => pi::lock(context, (word, reach), futex_deadline(context, time, Some(realtime))?),
        7 => pi::unlock(context.thread, (word, reach)),
        8 => pi::try_lock(context.thread, (word, reach)),
        11 => {
            let deadline = futex_deadline(context, time, Some(realtime))?;
            pi::wait_to_be_moved(context, [word, other], reach, value, deadline)
        }
        12 => {
            let (wake, requeue) = counts()?;
            if wake != 1 || key(word)? == key(other)? {
                return Err(EINVAL.into());
            }
            if crate::user_memory::load(word)? != value3 {
                return Err(EAGAIN.into());
            }
            pi::move_to_lock(context.thread, [word, other], reach, requeue)
        }
        _ => Err(ENOSYS.into()),
    }
}

/// Flags of the `futex2` calls: a word of 32 bits, of this process only.
const FUTEX2_SIZE: u32 = 3;
const FUTEX2_U32: u32 = 2;
const FUTEX2_PRIVATE: u32 = 128;

/// What a word is woken by, from `futex2` flags. Words of other sizes, and such that belong to a memory node, are not there.
fn futex2_reach(flags: u32) -> Result<Reach, Errno> {
    if flags & !(FUTEX2_SIZE | FUTEX2_PRIVATE) != 0 || flags & FUTEX2_SIZE != FUTEX2_U32 {
        return Err(EINVAL);
    }
    Ok(if flags & FUTEX2_PRIVATE == 0 { Reach::Shared } else { Reach::Private })
}

/// The deadline of a `futex2` call: absolute, on one of two clocks.
fn futex2_deadline(context: &Context<'_>, time: u64, clock: i32) -> Result<Option<u64>, Errno> {
    if time == 0 {
        return Ok(None);
    }
    match clock {
        0 | 1 => futex_deadline(context, time, Some(clock == 0)),
        _ => Err(EINVAL),
    }
}

/// A value or mask of a `futex2` call, which has to fit a word.
fn futex2_value(value: u64) -> Result<u32, Errno> {
    u32::try_from(value).map_err(|_| EINVAL)
}

/// `struct futex_waitv`: value, address, flags and nothing.
fn futex2_word(entry: UserPtr<[u64; 3]>) -> Result<futexes::Expected, Errno> {
    let [value, address, flags] = entry.read()?;
    let reach = futex2_reach(futex2_value(flags)?)?;
    Ok((UserPtr::new(address), reach, futex2_value(value)?))
}

/// `futex_waitv(2)`.
pub fn futex_waitv(
    context: &mut Context<'_>,
    words: UserPtr<[u64; 3]>,
    count: u32,
    flags: u32,
    time: u64,
    clock: i32,
) -> Outcome {
    const MOST: u32 = 128;
    if flags != 0 || !(1..=MOST).contains(&count) || words.is_null() {
        return Err(EINVAL.into());
    }
    let deadline = futex2_deadline(context, time, clock)?;
    let words = (0..count as usize).map(|index| futex2_word(words.at(index))).collect::<Result<Vec<_>, _>>()?;
    futexes::wait_for_one(context, &words, deadline)
}

/// `futex_wake(2)`: as `FUTEX_WAKE_BITSET`.
pub fn futex_wake(context: &mut Context<'_>, word: UserPtr<u32>, mask: u64, count: i32, flags: u32) -> Outcome {
    let (reach, mask) = (futex2_reach(flags)?, futex2_value(mask)?);
    if mask == 0 {
        return Err(EINVAL.into());
    }
    let key = futexes::check_plain(futexes::key(context.thread, word, reach)?)?;
    // None for a count of zero, one for a negative count.
    Ok(if count == 0 { 0 } else { futexes::wake(key, mask, count.max(1) as usize) })
}

/// `futex_wait(2)`: as `FUTEX_WAIT_BITSET`.
pub fn futex_wait(
    context: &mut Context<'_>,
    word: UserPtr<u32>,
    value: u64,
    mask: u64,
    flags: u32,
    time: u64,
    clock: i32,
) -> Outcome {
    let (reach, value, mask) = (futex2_reach(flags)?, futex2_value(value)?, futex2_value(mask)?);
    let deadline = futex2_deadline(context, time, clock)?;
    futexes::wait(context, (word, reach), value, mask, deadline)
}

/// `futex_requeue(2)`: as `FUTEX_CMP_REQUEUE`, between words of any two kinds.
pub fn futex_requeue(
    context: &mut Context<'_>,
    words: UserPtr<[u64; 3]>,
    flags: u32,
    wake: i32,
    requeue: i32,
) -> Outcome {
    if flags != 0 || words.is_null() {
        return Err(EINVAL.into());
    }
    let [(from, from_reach, expected), (to, to_reach, _)] = [futex2_word(words)?, futex2_word(words.at(1))?];
    let (Ok(wake), Ok(requeue)) = (usize::try_from(wake), usize::try_from(requeue)) else { return Err(EINVAL.into()) };
    let keys = [futexes::key(context.thread, from, from_reach)?, futexes::key(context.thread, to, to_reach)?];
    if crate::user_memory::load(from)? != expected {
        return Err(EAGAIN.into());
    }
    Ok(futexes::requeue(futexes::check_plain(keys[0])?, keys[1], wake, requeue))
}

/// The deadline at guest monotonic ns: relative, or absolute on the monotonic (`false`) or real-time clock.
fn futex_deadline(context: &Context<'_>, time: u64, absolute: Option<bool>) -> Result<Option<u64>, Errno> {
    if time == 0 || context.resumed.is_some() {
        return Ok(None);
    }
    let ns = clock::read_timespec(UserPtr::new(time))?;
    Ok(Some(match absolute {
        None => crate::time::monotonic_ns().saturating_add(ns),
        Some(false) => ns,
        Some(true) => clock::monotonic_from_realtime(ns),
    }))
}
