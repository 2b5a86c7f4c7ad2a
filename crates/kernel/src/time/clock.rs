//! The guest's clocks, and times as the guest writes them.

use super::{monotonic_ns, realtime_ns};
use crate::errno::{EINVAL, Errno};
use crate::host;
use crate::kernel;
use crate::local::{local, per_thread};
use crate::task::exit::find_process;
use crate::task::{PROGRAM, Pid, Process, Thread, Tid};
use crate::user_memory::UserPtr;
use core::sync::atomic::Ordering::Relaxed;

/// Nanoseconds of a second.
pub const SECOND: u64 = 1_000_000_000;

/// A clock of `clock_gettime(2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time of day.
    Realtime,
    /// Since the boot of the function.
    Monotonic,
    /// CPU time of a process.
    Process(Pid),
    /// CPU time of a thread.
    Thread(Tid),
}

impl Clock {
    /// From its number, as `caller` means it.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn from_number(number: i32, caller: &Thread) -> Result<Self, Errno> {
        Ok(match number {
            // REALTIME, REALTIME_COARSE, REALTIME_ALARM, TAI
            0 | 5 | 8 | 11 => Self::Realtime,
            // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME, BOOTTIME_ALARM
            1 | 4 | 6 | 7 | 9 => Self::Monotonic,
            2 => Self::Process(caller.process().pid),
            3 => Self::Thread(caller.tid),
            // `clock_getcpuclockid(3)`, `pthread_getcpuclockid(3)`: the number inverted, kind of time, who.
            ..0 => {
                let (who, of_thread, kind) = (!(number >> 3) as u32, number & 4 != 0, number & 3);
                if kind == 3 {
                    return Err(EINVAL);
                }
                if of_thread {
                    let tid = if who == 0 { caller.tid } else { Tid(who) };
                    let thread = kernel().thread(tid).ok_or(EINVAL)?;
                    if thread.process().pid != caller.process().pid {
                        return Err(EINVAL);
                    }
                    Self::Thread(tid)
                } else if who == 0 {
                    Self::Process(caller.process().pid)
                } else {
                    Self::Process(find_process(Pid(who)).ok_or(EINVAL)?.pid)
                }
            }
            _ => return Err(EINVAL),
        })
    }

    /// What it shows, ns.
    pub fn now(self) -> u64 {
        match self {
            Self::Realtime => realtime_ns(),
            Self::Monotonic => monotonic_ns(),
            Self::Process(pid) => find_process(pid).map_or(0, |process| process_cpu_ns(&process)),
            Self::Thread(tid) => kernel().thread(tid).map_or(0, |thread| thread_cpu_ns(&thread)),
        }
    }
}

/// CPU time of a process: that of its host process; for the program also what it had used when its image was taken.
pub fn process_cpu_ns(process: &Process) -> u64 {
    if process.is_zombie() {
        return process.cpu_ns.get();
    }
    let before = if process.pid == PROGRAM { kernel().time.process_cpu_before_ns.get() } else { 0 };
    let number = process.space().host.get();
    let clock = match kernel().tasks.hosts.get(number) {
        // CPUCLOCK_SCHED of a process.
        Some(host) if number != local().host.load(Relaxed) => (!host.pid.get() << 3) | 2,
        _ => 2,
    };
    before + host::clock_gettime(clock).unwrap_or(0)
}

/// CPU time of a thread: that of its host thread, and of those before.
pub fn thread_cpu_ns(thread: &Thread) -> u64 {
    let now = match thread.slot.get() {
        Some(_) if per_thread().tid.get() == thread.tid.0 || cfg!(test) => host::clock_gettime(3),
        // CPUCLOCK_SCHED of a thread.
        Some(_) if thread.host_tid.get() != 0 => host::clock_gettime((!thread.host_tid.get() << 3) | 6),
        Some(_) => Ok(0),
        None => Ok(0),
    };
    thread.cpu_time_before_ns.get() + now.unwrap_or(0)
}

/// The guest monotonic time at which the real-time clock will show `realtime` ns.
pub fn monotonic_from_realtime(realtime: u64) -> u64 {
    (i128::from(monotonic_ns()) + i128::from(realtime) - i128::from(realtime_ns())).clamp(0, i128::from(u64::MAX))
        as u64
}

/// Nanoseconds of a `struct timespec`; what is beyond 2^63 ns is for ever.
///
/// # Errors
/// `EINVAL` for one that is not normal or negative.
pub fn timespec_ns([seconds, nanoseconds]: [i64; 2]) -> Result<u64, Errno> {
    match (u64::try_from(seconds), u64::try_from(nanoseconds)) {
        (Ok(seconds), Ok(nanoseconds @ 0..SECOND)) => {
            Ok(seconds.saturating_mul(SECOND).saturating_add(nanoseconds).min(i64::MAX as u64))
        }
        _ => Err(EINVAL),
    }
}

/// Nanoseconds of a `struct timeval`.
///
/// # Errors
/// `EINVAL` for one that is not normal or negative.
pub fn timeval_ns([seconds, microseconds]: [i64; 2]) -> Result<u64, Errno> {
    match microseconds {
        0..1_000_000 => timespec_ns([seconds, microseconds * 1000]),
        _ => Err(EINVAL),
    }
}

/// A `struct timespec` of so many nanoseconds.
pub const fn timespec(ns: u64) -> [i64; 2] {
    [(ns / SECOND) as i64, (ns % SECOND) as i64]
}

/// A `struct timeval` of so many nanoseconds.
pub const fn timeval(ns: u64) -> [i64; 2] {
    [(ns / SECOND) as i64, (ns % SECOND / 1000) as i64]
}

/// Reads a `struct timespec`.
///
/// # Errors
/// `EFAULT`, `EINVAL`.
pub fn read_timespec(from: UserPtr<[i64; 2]>) -> Result<u64, Errno> {
    timespec_ns(from.read()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_are_not_normal_are_refused() {
        assert_eq!(timespec_ns([1, 5]), Ok(SECOND + 5));
        assert_eq!(timespec_ns([0, 1_000_000_000]), Err(EINVAL));
        assert_eq!(timespec_ns([-1, 0]), Err(EINVAL));
        assert_eq!(timespec_ns([i64::MAX, 0]), Ok(i64::MAX as u64));
        assert_eq!(timeval_ns([0, 1_000_000]), Err(EINVAL));
        assert_eq!(timeval(timeval_ns([3, 7]).unwrap()), [3, 7]);
    }
}
