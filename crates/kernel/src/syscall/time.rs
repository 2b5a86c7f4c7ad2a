//! Time: clocks, sleeping, timers.

use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EINTR, EINVAL, EOPNOTSUPP, EPERM, Errno};
use crate::task::signal::Signal;
use crate::task::{Thread, Tid};
use crate::time::clock::{self, Clock, SECOND};
use crate::time::posix::Notice;
use crate::time::timer::Setting;
use crate::user_memory::UserPtr;
use crate::wait::{Progress, WaitFor, Wake};
use crate::{kernel, time};
use alloc::rc::Rc;

/// `TIMER_ABSTIME`.
const ABSOLUTE: i32 = 1;
/// Resolution of the coarse clocks: 250 ticks a second.
const COARSE_NS: u64 = 4_000_000;

/// `clock_gettime(2)`.
pub fn clock_gettime(context: &mut Context<'_>, number: i32, time: UserPtr<[i64; 2]>) -> Outcome {
    let now = Clock::from_number(number, context.thread)?.now();
    time.write(clock::timespec(now))?;
    Ok(0)
}

/// `clock_getres(2)`.
pub fn clock_getres(context: &mut Context<'_>, number: i32, time: UserPtr<[i64; 2]>) -> Outcome {
    Clock::from_number(number, context.thread)?;
    let resolution = if matches!(number, 5 | 6) { COARSE_NS } else { 1 };
    if let Some(time) = time.non_null() {
        time.write(clock::timespec(resolution))?;
    }
    Ok(0)
}

/// `clock_settime(2)`: nobody in a sandbox sets its clock.
pub fn clock_settime(context: &mut Context<'_>, number: i32, time: UserPtr<[i64; 2]>) -> Outcome {
    // CLOCK_REALTIME, and those of CPU time, which nobody can set.
    if number > 0 {
        return Err(EINVAL.into());
    }
    let time = time.read()?;
    Clock::from_number(number, context.thread)?;
    clock::timespec_ns(time)?;
    Err(EPERM.into())
}

/// `gettimeofday(2)`.
pub fn gettimeofday(_context: &mut Context<'_>, time: UserPtr<[i64; 2]>, zone: UserPtr<[i32; 2]>) -> Outcome {
    if let Some(time) = time.non_null() {
        time.write(clock::timeval(time::realtime_ns()))?;
    }
    if let Some(zone) = zone.non_null() {
        zone.write([0, 0])?;
    }
    Ok(0)
}

/// `settimeofday(2)`.
pub fn settimeofday(_context: &mut Context<'_>, time: UserPtr<[i64; 2]>, zone: UserPtr<[i32; 2]>) -> Outcome {
    if let Some(time) = time.non_null() {
        clock::timeval_ns(time.read()?)?;
    }
    zone.non_null().map(UserPtr::read).transpose()?;
    if time.is_null() && zone.is_null() { Ok(0) } else { Err(EPERM.into()) }
}

/// `time(2)`.
pub fn time(_context: &mut Context<'_>, into: UserPtr<i64>) -> Outcome {
    let seconds = time::realtime_ns() / SECOND;
    if let Some(into) = into.non_null() {
        into.write(seconds as i64)?;
    }
    Ok(seconds as usize)
}

/// `times(2)`: in hundredths of a second.
pub fn times(context: &mut Context<'_>, into: UserPtr<[i64; 4]>) -> Outcome {
    const TICK: u64 = SECOND / 100;
    if let Some(into) = into.non_null() {
        let children = context.process().children_cpu_ns.get();
        let own = clock::process_cpu_ns(&context.process());
        into.write([(own / TICK) as i64, 0, (children / TICK) as i64, 0])?;
    }
    Ok((time::monotonic_ns() / TICK) as usize)
}

/// `nanosleep(2)`.
pub fn nanosleep(context: &mut Context<'_>, request: UserPtr<[i64; 2]>, left: UserPtr<[i64; 2]>) -> Outcome {
    sleep(context, Clock::Monotonic, false, request, left)
}

/// `clock_nanosleep(2)`.
pub fn clock_nanosleep(
    context: &mut Context<'_>,
    number: i32,
    flags: i32,
    request: UserPtr<[i64; 2]>,
    left: UserPtr<[i64; 2]>,
) -> Outcome {
    // A sleep on the own CPU time would never end; the raw and coarse clocks have no timers.
    if matches!(number, 3..=6) {
        return Err(EOPNOTSUPP.into());
    }
    if number < 0 && context.resumed.is_none() {
        // The time is looked at before the clock of somebody who may not be there.
        request.read()?;
    }
    let clock = Clock::from_number(number, context.thread)?;
    sleep(context, clock, flags & ABSOLUTE != 0, request, left)
}

fn sleep(
    context: &mut Context<'_>,
    clock: Clock,
    absolute: bool,
    request: UserPtr<[i64; 2]>,
    left: UserPtr<[i64; 2]>,
) -> Outcome {
    let deadline = match context.progress() {
        Progress::Deadline(deadline) => deadline,
        _ => sleep_deadline(clock, absolute, clock::read_timespec(request)?),
    };
    let now = time::monotonic_ns();
    match context.resumed {
        Some((_, Wake::Signal)) => {
            if !absolute && let Some(left) = left.non_null() {
                left.write(clock::timespec(deadline.saturating_sub(now)))?;
            }
            return Err(EINTR.into());
        }
        // CPU time passes at another pace: looked at again when it may be due.
        _ if deadline <= now => match (clock, absolute) {
            (Clock::Process(_) | Clock::Thread(_), true) => {
                let wanted = clock::read_timespec(request)?;
                if clock.now() >= wanted {
                    return Ok(0);
                }
                let deadline = sleep_deadline(clock, true, wanted);
                return Err(Stop::Wait(sleeping(deadline), RestartRule::Never));
            }
            _ => return Ok(0),
        },
        _ => {}
    }
    Err(Stop::Wait(sleeping(deadline), RestartRule::Never))
}

fn sleeping(deadline: u64) -> WaitFor {
    let wait = WaitFor::time(Some(deadline), "sleep").progress(Progress::Deadline(deadline));
    WaitFor { finishes: true, ..wait }
}

/// The guest monotonic time at which a sleep is to end.
fn sleep_deadline(clock: Clock, absolute: bool, ns: u64) -> u64 {
    match (clock, absolute) {
        (_, false) => time::monotonic_ns().saturating_add(ns),
        (Clock::Monotonic, true) => ns,
        (Clock::Realtime, true) => clock::monotonic_from_realtime(ns),
        (Clock::Process(_) | Clock::Thread(_), true) => {
            time::monotonic_ns().saturating_add(ns.saturating_sub(clock.now()))
        }
    }
}

/// `struct itimerval` or `itimerspec`: interval, then value.
type Interval = [[i64; 2]; 2];

fn itimerval(setting: Setting) -> Interval {
    [round_up(setting.interval_ns), round_up(setting.value_ns)]
}

/// A timer that is armed never shows zero.
fn round_up(ns: u64) -> [i64; 2] {
    clock::timeval(ns.saturating_add(999))
}

/// `getitimer(2)`.
pub fn getitimer(context: &mut Context<'_>, which: i32, into: UserPtr<Interval>) -> Outcome {
    let process = context.process();
    let setting = process.timers.interval(&process, which)?.get();
    into.write(itimerval(setting))?;
    Ok(0)
}

/// `setitimer(2)`.
pub fn setitimer(context: &mut Context<'_>, which: i32, new: UserPtr<Interval>, old: UserPtr<Interval>) -> Outcome {
    let setting = match new.non_null() {
        Some(new) => {
            let [interval, value] = new.read()?;
            Setting { value_ns: clock::timeval_ns(value)?, interval_ns: clock::timeval_ns(interval)? }
        }
        None => Setting::default(),
    };
    let process = context.process();
    let before = process.timers.interval(&process, which)?.set(setting, false);
    if let Some(old) = old.non_null() {
        old.write(itimerval(before))?;
    }
    Ok(0)
}

/// `alarm(2)`.
pub fn alarm(context: &mut Context<'_>, seconds: u32) -> Outcome {
    let process = context.process();
    let setting = Setting { value_ns: u64::from(seconds) * SECOND, interval_ns: 0 };
    let before = process.timers.interval(&process, 0)?.set(setting, false);
    // Rounded as Linux does: to the nearest second, but never to none.
    let seconds = (before.value_ns + SECOND / 2) / SECOND;
    Ok(if before.value_ns > 0 { seconds.max(1) as usize } else { 0 })
}

/// `struct sigevent`: value, signal, kind, thread.
type SignalEvent = [u64; 8];

/// `timer_create(2)`.
pub fn timer_create(context: &mut Context<'_>, number: i32, event: UserPtr<SignalEvent>, id: UserPtr<i32>) -> Outcome {
    let event = event.non_null().map(UserPtr::read).transpose()?;
    if matches!(number, 4..=6) {
        return Err(EOPNOTSUPP.into());
    }
    let clock = Clock::from_number(number, context.thread)?;
    let process = context.process();
    let event = event.map(|event| decode_event(context.thread, event)).transpose()?;
    let created =
        process.timers.create(&process, clock, |id| event.unwrap_or((Notice::Process(Signal::ALRM), id as u64)))?;
    if let Err(errno) = id.write(created) {
        process.timers.delete(&process, created)?;
        return Err(errno.into());
    }
    Ok(0)
}

fn decode_event(caller: &Rc<Thread>, event: SignalEvent) -> Result<(Notice, u64), Errno> {
    const SIGEV_SIGNAL: i32 = 0;
    const SIGEV_NONE: i32 = 1;
    const SIGEV_THREAD: i32 = 2;
    const SIGEV_THREAD_ID: i32 = 4;
    let (number, kind) = (event[1] as u32 as i32, (event[1] >> 32) as i32);
    let notice = match kind {
        SIGEV_NONE => Notice::None,
        SIGEV_SIGNAL | SIGEV_THREAD => Notice::Process(Signal::new(number)?),
        SIGEV_THREAD_ID => {
            let tid = Tid(event[2] as u32);
            let thread = kernel().thread(tid).ok_or(EINVAL)?;
            if thread.process().pid != caller.process().pid {
                return Err(EINVAL);
            }
            Notice::Thread(Signal::new(number)?, tid)
        }
        _ => return Err(EINVAL),
    };
    Ok((notice, event[0]))
}

fn itimerspec(setting: Setting) -> Interval {
    [clock::timespec(setting.interval_ns), clock::timespec(setting.value_ns)]
}

/// `timer_settime(2)`.
pub fn timer_settime(
    context: &mut Context<'_>,
    id: i32,
    flags: i32,
    new: UserPtr<Interval>,
    old: UserPtr<Interval>,
) -> Outcome {
    let new = new.non_null().ok_or(EINVAL)?;
    let [interval, value] = new.read()?;
    let setting = Setting { value_ns: clock::timespec_ns(value)?, interval_ns: clock::timespec_ns(interval)? };
    let before = context.process().timers.get(id)?.timer.set(setting, flags & ABSOLUTE != 0);
    if let Some(old) = old.non_null() {
        old.write(itimerspec(before))?;
    }
    Ok(0)
}

/// `timer_gettime(2)`.
pub fn timer_gettime(context: &mut Context<'_>, id: i32, into: UserPtr<Interval>) -> Outcome {
    let setting = context.process().timers.get(id)?.timer.get();
    into.write(itimerspec(setting))?;
    Ok(0)
}

/// `timer_getoverrun(2)`.
pub fn timer_getoverrun(context: &mut Context<'_>, id: i32) -> Outcome {
    Ok(context.process().timers.get(id)?.overrun() as usize)
}

/// `timer_delete(2)`.
pub fn timer_delete(context: &mut Context<'_>, id: i32) -> Outcome {
    let process = context.process();
    process.timers.delete(&process, id)?;
    Ok(0)
}
