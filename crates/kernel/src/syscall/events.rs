//! Pipes, eventfd, timerfd, epoll, poll and select.

use super::arguments::Fd;
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EBADF, EINVAL, Errno};
use crate::events::epoll::{Epoll, Reported, set_of};
use crate::events::eventfd::EventFd;
use crate::events::poll::{self, Entry};
use crate::events::signalfd::SignalFd;
use crate::events::timerfd::{Setting, TimerFd};
use crate::fs::file::{OpenFile, OpenFlags};
use crate::ipc::pipe::Pipe;
use crate::task::signal;
use crate::user_memory::{UserPtr, copy_in, copy_out, is_user};
use crate::wait::{Events, Progress, WaitFor};
use alloc::rc::Rc;
use alloc::vec::Vec;

const NS: u64 = 1_000_000_000;

fn add(context: &Context<'_>, file: Rc<OpenFile>, flags: OpenFlags) -> Outcome {
    let fd = context.process().descriptors().add(file, flags.contains(OpenFlags::CLOEXEC))?;
    Ok(fd.0 as usize)
}

/// Flags out of a closed list.
fn only(flags: u32, allowed: OpenFlags) -> Result<OpenFlags, Errno> {
    OpenFlags::from_bits(flags).filter(|flags| allowed.contains(*flags)).ok_or(EINVAL)
}

/// `pipe(2)`.
pub fn pipe(context: &mut Context<'_>, ends: UserPtr<[i32; 2]>) -> Outcome {
    pipe2(context, ends, 0)
}

/// `pipe2(2)`.
pub fn pipe2(context: &mut Context<'_>, ends: UserPtr<[i32; 2]>, flags: u32) -> Outcome {
    let flags = only(flags, OpenFlags::CLOEXEC | OpenFlags::NONBLOCK | OpenFlags::DIRECT)?;
    let descriptors = context.process().descriptors();
    let (reader, writer) = Pipe::pair(flags);
    let close_on_exec = flags.contains(OpenFlags::CLOEXEC);
    let reader = descriptors.add(reader, close_on_exec)?;
    let written = descriptors
        .add(writer, close_on_exec)
        .and_then(|writer| ends.write([reader.0, writer.0]).inspect_err(|_| drop(descriptors.remove(writer))));
    if let Err(errno) = written {
        drop(descriptors.remove(reader));
        return Err(errno.into());
    }
    Ok(0)
}

/// `eventfd(2)`.
pub fn eventfd(context: &mut Context<'_>, initial: u32) -> Outcome {
    eventfd2(context, initial, 0)
}

/// `eventfd2(2)`.
pub fn eventfd2(context: &mut Context<'_>, initial: u32, flags: u32) -> Outcome {
    const SEMAPHORE: u32 = 1;
    let semaphore = flags & SEMAPHORE != 0;
    let flags = only(flags & !SEMAPHORE, OpenFlags::CLOEXEC | OpenFlags::NONBLOCK)?;
    let file = EventFd::open(initial, semaphore, flags & OpenFlags::NONBLOCK);
    add(context, file, flags)
}

/// `timerfd_create(2)`.
pub fn timerfd_create(context: &mut Context<'_>, clock: i32, flags: u32) -> Outcome {
    let flags = only(flags, OpenFlags::CLOEXEC | OpenFlags::NONBLOCK)?;
    let realtime = match clock {
        // CLOCK_REALTIME, CLOCK_REALTIME_ALARM
        0 | 8 => true,
        // CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM
        1 | 7 | 9 => false,
        _ => return Err(EINVAL.into()),
    };
    let file = TimerFd::open(realtime, flags & OpenFlags::NONBLOCK);
    add(context, file, flags)
}

/// A time of the guest's in ns.
pub(super) fn nanoseconds([seconds, nanoseconds]: [i64; 2]) -> Result<u64, Errno> {
    if seconds < 0 || !(0..NS as i64).contains(&nanoseconds) {
        return Err(EINVAL);
    }
    Ok((seconds as u64).saturating_mul(NS).saturating_add(nanoseconds as u64))
}

fn timespec(ns: u64) -> [i64; 2] {
    [(ns / NS) as i64, (ns % NS) as i64]
}

fn itimerspec(setting: Setting) -> [i64; 4] {
    let ([a, b], [c, d]) = (timespec(setting.interval), timespec(setting.value));
    [a, b, c, d]
}

/// `timerfd_settime(2)`.
pub fn timerfd_settime(
    context: &mut Context<'_>,
    fd: Fd,
    flags: u32,
    new: UserPtr<[i64; 4]>,
    old: UserPtr<[i64; 4]>,
) -> Outcome {
    const ABSOLUTE: u32 = 1;
    const CANCEL_ON_SET: u32 = 2;
    let [interval_s, interval_ns, value_s, value_ns] = new.read()?;
    if flags & !(ABSOLUTE | CANCEL_ON_SET) != 0 {
        return Err(EINVAL.into());
    }
    let setting =
        Setting { interval: nanoseconds([interval_s, interval_ns])?, value: nanoseconds([value_s, value_ns])? };
    let file = context.process().descriptors().get_open(fd)?;
    let timer = file.downcast::<TimerFd>().ok_or(EINVAL)?;
    let before = timer.set(setting, flags & ABSOLUTE != 0);
    if let Some(old) = old.non_null() {
        old.write(itimerspec(before))?;
    }
    Ok(0)
}

/// `timerfd_gettime(2)`.
pub fn timerfd_gettime(context: &mut Context<'_>, fd: Fd, current: UserPtr<[i64; 4]>) -> Outcome {
    let file = context.process().descriptors().get_open(fd)?;
    let timer = file.downcast::<TimerFd>().ok_or(EINVAL)?;
    current.write(itimerspec(timer.get()))?;
    Ok(0)
}

/// `epoll_create(2)`.
pub fn epoll_create(context: &mut Context<'_>, size: i32) -> Outcome {
    if size <= 0 {
        return Err(EINVAL.into());
    }
    epoll_create1(context, 0)
}

/// `epoll_create1(2)`.
pub fn epoll_create1(context: &mut Context<'_>, flags: u32) -> Outcome {
    let flags = only(flags, OpenFlags::CLOEXEC)?;
    add(context, Epoll::open(), flags)
}

/// `epoll_ctl(2)`.
pub fn epoll_ctl(context: &mut Context<'_>, set: Fd, operation: i32, fd: Fd, event: UserPtr<Reported>) -> Outcome {
    const ADD: i32 = 1;
    const DELETE: i32 = 2;
    const MODIFY: i32 = 3;
    let event = if operation == DELETE { [0; 12] } else { event.read()? };
    let descriptors = context.process().descriptors();
    let (set_file, member) = (descriptors.get_open(set)?, descriptors.get_open(fd)?);
    if member.object.queue().is_none() {
        return Err(crate::errno::EPERM.into());
    }
    let set = set_of(&set_file)?;
    if Rc::ptr_eq(&set_file, &member) {
        return Err(EINVAL.into());
    }
    let events = u32::from_ne_bytes([event[0], event[1], event[2], event[3]]);
    let mut data = [0; 8];
    data.copy_from_slice(&event[4..]);
    let data = u64::from_ne_bytes(data);
    match operation {
        ADD => set.add(fd.0, &member, events, data)?,
        DELETE => set.delete(fd.0, &member)?,
        MODIFY => set.modify(fd.0, &member, events, data)?,
        _ => return Err(EINVAL.into()),
    }
    Ok(0)
}

/// `epoll_wait(2)`.
pub fn epoll_wait(context: &mut Context<'_>, set: Fd, events: UserPtr<Reported>, max: i32, timeout_ms: i32) -> Outcome {
    wait_for_set(context, set, events, max, milliseconds(timeout_ms))
}

/// `epoll_pwait(2)`.
pub fn epoll_pwait(
    context: &mut Context<'_>,
    set: Fd,
    events: UserPtr<Reported>,
    max: i32,
    timeout_ms: i32,
    mask: UserPtr<u64>,
    mask_size: usize,
) -> Outcome {
    with_mask(context, mask, mask_size, |context| wait_for_set(context, set, events, max, milliseconds(timeout_ms)))
}

/// `epoll_pwait2(2)`.
pub fn epoll_pwait2(
    context: &mut Context<'_>,
    set: Fd,
    events: UserPtr<Reported>,
    max: i32,
    timeout: UserPtr<[i64; 2]>,
    mask: UserPtr<u64>,
    mask_size: usize,
) -> Outcome {
    let timeout_ns = read_timeout(timeout)?;
    with_mask(context, mask, mask_size, |context| wait_for_set(context, set, events, max, timeout_ns))
}

fn wait_for_set(
    context: &mut Context<'_>,
    set: Fd,
    events: UserPtr<Reported>,
    max: i32,
    timeout_ns: Option<u64>,
) -> Outcome {
    let file = context.process().descriptors().get_open(set)?;
    let max = usize::try_from(max).ok().filter(|max| (1..=(i32::MAX as usize) / 12).contains(max)).ok_or(EINVAL)?;
    is_user(events.address(), max * size_of::<Reported>())?;
    let set = set_of(&file)?;
    let reports = set.take(max);
    if !reports.is_empty() || context.timed_out() || timeout_ns == Some(0) {
        copy_out(events.address(), reports.as_flattened())?;
        return Ok(reports.len());
    }
    let deadline = context.deadline(timeout_ns);
    let wait = WaitFor {
        exclusive: true,
        on_listener: crate::net::entry_is_watched() && set.includes_outside(),
        ..WaitFor::events(&set.waiters, Events::IN, "epoll_wait")
    };
    Err(Stop::Wait(timed(wait, deadline), RestartRule::Never))
}

/// A wait with a deadline that a continued call remembers.
fn timed(wait: WaitFor, deadline: Option<u64>) -> WaitFor {
    wait.until(deadline).progress(deadline.map_or(Progress::None, Progress::Deadline))
}

/// A time-out in ms; negative: none.
fn milliseconds(timeout: i32) -> Option<u64> {
    u64::try_from(timeout).ok().map(|ms| ms * 1_000_000)
}

fn read_timeout(timeout: UserPtr<[i64; 2]>) -> Result<Option<u64>, Errno> {
    timeout.non_null().map(|timeout| nanoseconds(timeout.read()?)).transpose()
}

/// `poll(2)`.
pub fn poll(context: &mut Context<'_>, entries: UserPtr<u64>, count: u32, timeout_ms: i32) -> Outcome {
    poll_entries(context, entries, count, milliseconds(timeout_ms))
}

/// `ppoll(2)`.
pub fn ppoll(
    context: &mut Context<'_>,
    entries: UserPtr<u64>,
    count: u32,
    timeout: UserPtr<[i64; 2]>,
    mask: UserPtr<u64>,
    mask_size: usize,
) -> Outcome {
    let timeout_ns = read_timeout(timeout)?;
    let outcome = with_mask(context, mask, mask_size, |context| poll_entries(context, entries, count, timeout_ns));
    write_remaining(context, &outcome, timeout_ns, |[seconds, nanoseconds]| {
        let _ = timeout.write([seconds, nanoseconds]);
    });
    outcome
}

fn poll_entries(context: &mut Context<'_>, array: UserPtr<u64>, count: u32, timeout_ns: Option<u64>) -> Outcome {
    let process = context.process();
    if u64::from(count) > process.limits.borrow()[7].0 {
        return Err(EINVAL.into());
    }
    let count = count as usize;
    let descriptors = process.descriptors();
    let mut bytes = alloc::vec![0u8; count * 8];
    if count > 0 {
        copy_in(&mut bytes, array.address())?;
    }
    let mut entries = Vec::new();
    let mut found = 0;
    for entry in bytes.chunks_exact_mut(8) {
        let fd = i32::from_ne_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let wanted = Events::from_bits_truncate(u32::from(u16::from_ne_bytes([entry[4], entry[5]])));
        let mut ready = Events::empty();
        if fd >= 0 {
            let looked_up = Entry::new(&descriptors, fd, wanted);
            ready = looked_up.ready();
            entries.push(looked_up);
        }
        entry[6..].copy_from_slice(&(ready.bits() as u16).to_ne_bytes());
        found += usize::from(!ready.is_empty());
    }
    if found > 0 || context.timed_out() || timeout_ns == Some(0) {
        for (index, entry) in bytes.chunks_exact(8).enumerate() {
            copy_out(array.at(index).address().add(6), &entry[6..])?;
        }
        return Ok(found);
    }
    let deadline = context.deadline(timeout_ns);
    Err(Stop::Wait(timed(poll::wait(&entries, deadline, "poll"), deadline), RestartRule::Never))
}

/// `select(2)`.
pub fn select(
    context: &mut Context<'_>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<[i64; 2]>,
) -> Outcome {
    let timeout_ns = match timeout.non_null() {
        Some(timeout) => {
            let [seconds, microseconds] = timeout.read()?;
            if seconds < 0 || microseconds < 0 {
                return Err(EINVAL.into());
            }
            let ns = (seconds as u64).saturating_mul(NS).saturating_add((microseconds as u64).saturating_mul(1000));
            Some(ns)
        }
        None => None,
    };
    let outcome = select_sets(context, count, [read, write, except], timeout_ns);
    write_remaining(context, &outcome, timeout_ns, |[seconds, nanoseconds]| {
        let _ = timeout.write([seconds, nanoseconds / 1000]);
    });
    outcome
}

/// `pselect6(2)`.
pub fn pselect6(
    context: &mut Context<'_>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<[i64; 2]>,
    mask: UserPtr<[u64; 2]>,
) -> Outcome {
    let timeout_ns = read_timeout(timeout)?;
    let [mask, mask_size] = mask.non_null().map_or(Ok([0, 0]), UserPtr::read)?;
    let outcome = with_mask(context, UserPtr::new(mask), mask_size as usize, |context| {
        select_sets(context, count, [read, write, except], timeout_ns)
    });
    write_remaining(context, &outcome, timeout_ns, |[seconds, nanoseconds]| {
        let _ = timeout.write([seconds, nanoseconds]);
    });
    outcome
}

/// What each set of `select(2)` means in terms of `poll(2)`: asked for, and counted as ready.
const SETS: [(Events, Events); 3] = [
    (
        Events::IN.union(Events::RDNORM).union(Events::RDBAND),
        Events::IN.union(Events::RDNORM).union(Events::RDBAND).union(Events::HUP).union(Events::ERR),
    ),
    (
        Events::OUT.union(Events::WRNORM).union(Events::WRBAND),
        Events::OUT.union(Events::WRNORM).union(Events::WRBAND).union(Events::ERR),
    ),
    (Events::PRI, Events::PRI),
];

fn select_sets(context: &mut Context<'_>, count: i32, sets: [UserPtr<u64>; 3], timeout_ns: Option<u64>) -> Outcome {
    let count = usize::try_from(count).map_err(|_| EINVAL)?;
    let descriptors = context.process().descriptors();
    // Descriptors beyond the table can't be open.
    let count = count.min(1 << 20);
    let words = count.div_ceil(64);
    let mut asked: [Vec<u64>; 3] = Default::default();
    for (bits, set) in asked.iter_mut().zip(sets) {
        if let Some(set) = set.non_null() {
            *bits = set.read_many(words)?;
        }
    }
    let bit = |set: &[u64], fd: usize| set.get(fd / 64).is_some_and(|word| word >> (fd % 64) & 1 != 0);
    let mut answers: [Vec<u64>; 3] = [alloc::vec![0; words], alloc::vec![0; words], alloc::vec![0; words]];
    let mut entries = Vec::new();
    let mut found = 0;
    for fd in 0..count {
        let mut wanted = Events::empty();
        for (set, (meaning, _)) in asked.iter().zip(SETS) {
            if bit(set, fd) {
                wanted |= meaning;
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let entry = Entry::new(&descriptors, fd as i32, wanted);
        if !entry.is_open() {
            return Err(EBADF.into());
        }
        let ready = entry.ready();
        for ((set, answer), (_, counts)) in asked.iter().zip(&mut answers).zip(SETS) {
            if bit(set, fd) && ready.intersects(counts) {
                answer[fd / 64] |= 1 << (fd % 64);
                found += 1;
            }
        }
        entries.push(entry);
    }
    if found > 0 || context.timed_out() || timeout_ns == Some(0) {
        for (answer, set) in answers.iter().zip(sets) {
            if let Some(set) = set.non_null() {
                for (index, word) in answer.iter().enumerate() {
                    set.at(index).write(*word)?;
                }
            }
        }
        return Ok(found);
    }
    let deadline = context.deadline(timeout_ns);
    Err(Stop::Wait(timed(poll::wait(&entries, deadline, "select"), deadline), RestartRule::Never))
}

/// As Linux does, `select`, `pselect6` and `ppoll` leave the time that was left in their time-out.
fn write_remaining(context: &Context<'_>, outcome: &Outcome, timeout_ns: Option<u64>, write: impl FnOnce([i64; 2])) {
    if let (Some(timeout_ns), Ok(_)) = (timeout_ns, outcome) {
        let left = match context.progress() {
            Progress::Deadline(at) => at.saturating_sub(crate::time::monotonic_ns()),
            _ => timeout_ns,
        };
        write(timespec(left));
    }
}

/// Runs a call with another signal mask for as long as it waits.
fn with_mask(
    context: &mut Context<'_>,
    mask: UserPtr<u64>,
    mask_size: usize,
    call: impl FnOnce(&mut Context<'_>) -> Outcome,
) -> Outcome {
    if let Some(mask) = signal::read_set(mask, mask_size)? {
        context.thread.signals.set_mask_for_call(mask);
    }
    call(context)
}

/// `signalfd(2)`.
pub fn signalfd(context: &mut Context<'_>, fd: Fd, set: UserPtr<u64>, size: usize) -> Outcome {
    signalfd4(context, fd, set, size, 0)
}

/// `signalfd4(2)`.
pub fn signalfd4(context: &mut Context<'_>, fd: Fd, set: UserPtr<u64>, size: usize, flags: u32) -> Outcome {
    if size != 8 {
        return Err(EINVAL.into());
    }
    let set = set.read()?;
    let flags = only(flags, OpenFlags::CLOEXEC | OpenFlags::NONBLOCK)?;
    if fd.0 == -1 {
        return add(context, SignalFd::open(set, flags & OpenFlags::NONBLOCK), flags);
    }
    let file = context.process().descriptors().get_open(fd)?;
    file.downcast::<SignalFd>().ok_or(EINVAL)?.change(set);
    Ok(fd.0 as usize)
}
