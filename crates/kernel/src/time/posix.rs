//! The timers of a process that send signals: `setitimer(2)` and `timer_create(2)`.

use super::clock::{Clock, SECOND};
use super::timer::{Expired, Setting, Timer};
use crate::errno::{EAGAIN, EINVAL, Errno};
use crate::heap::guest_word::ByteBox;
use crate::kernel;
use crate::task::process::UNLIMITED;
use crate::task::signal::queue::{Info, SI_KERNEL, SI_TIMER};
use crate::task::signal::{self, Signal, Source};
use crate::task::{Process, Tid};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

/// Most POSIX timers of a process; Linux counts them against `RLIMIT_SIGPENDING`.
const LIMIT: usize = 1024;
/// Index of `RLIMIT_CPU`.
const LIMIT_CPU: usize = 0;

/// The timers of a process.
#[derive(Default)]
pub struct ProcessTimers {
    intervals: RefCell<BTreeMap<i32, Rc<IntervalTimer>>>,
    posix: RefCell<BTreeMap<i32, Rc<PosixTimer>>>,
    next: Cell<i32>,
    cpu_limit: RefCell<Option<Rc<CpuLimit>>>,
}

impl ProcessTimers {
    /// `execve(2)`: timers of `timer_create(2)` end.
    pub fn forget_posix(&self) {
        drop(self.posix.take());
    }

    /// `ITIMER_REAL`, `ITIMER_VIRTUAL` or `ITIMER_PROF`. The two that count CPU time count the same: user and system time
    /// of a sandbox are one.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn interval(&self, process: &Rc<Process>, which: i32) -> Result<Rc<Timer>, Errno> {
        let (clock, signal) = match which {
            0 => (Clock::Monotonic, Signal::ALRM),
            1 => (Clock::Process(process.pid), Signal::VTALRM),
            2 => (Clock::Process(process.pid), Signal::PROF),
            _ => return Err(EINVAL),
        };
        let mut intervals = self.intervals.borrow_mut();
        let interval = intervals.entry(which).or_insert_with(|| {
            let interval = Rc::new(IntervalTimer { timer: Timer::new(clock), process: Rc::downgrade(process), signal });
            let owner: Weak<dyn Expired> = Rc::downgrade(&interval) as Weak<dyn Expired>;
            interval.timer.set_owner(owner);
            interval
        });
        Ok(interval.timer.clone())
    }

    /// `RLIMIT_CPU` was set, or is inherited: `SIGXCPU` at the soft limit and each second after it, `SIGKILL` at the hard
    /// one.
    pub fn limit_cpu(&self, process: &Rc<Process>) {
        let (soft, hard) = process.limits.borrow()[LIMIT_CPU];
        let first = soft.min(hard);
        if first == UNLIMITED {
            drop(self.cpu_limit.take());
            return;
        }
        let limit =
            Rc::new(CpuLimit { timer: Timer::new(Clock::Process(process.pid)), process: Rc::downgrade(process) });
        let owner: Weak<dyn Expired> = Rc::downgrade(&limit) as Weak<dyn Expired>;
        limit.timer.set_owner(owner);
        let value_ns = first.max(1).saturating_mul(SECOND);
        limit.timer.set(Setting { value_ns, interval_ns: SECOND }, true);
        drop(self.cpu_limit.replace(Some(limit)));
    }

    /// Makes a POSIX timer; answers its number.
    ///
    /// # Errors
    /// `EAGAIN` when there are too many.
    pub fn create(
        &self,
        process: &Rc<Process>,
        clock: Clock,
        notice: impl FnOnce(i32) -> (Notice, u64),
    ) -> Result<i32, Errno> {
        let mut posix = self.posix.borrow_mut();
        if posix.len() >= LIMIT {
            return Err(EAGAIN);
        }
        while posix.contains_key(&self.next.get()) {
            self.next.set(self.next.get().checked_add(1).unwrap_or(0));
        }
        let id = self.next.replace(self.next.get().checked_add(1).unwrap_or(0));
        let (notice, value) = notice(id);
        let timer = Rc::new(PosixTimer {
            id,
            timer: Timer::new(clock),
            process: Rc::downgrade(process),
            notice,
            value: ByteBox::new(value),
            overrun: Cell::new(0),
        });
        let owner: Weak<dyn Expired> = Rc::downgrade(&timer) as Weak<dyn Expired>;
        timer.timer.set_owner(owner);
        posix.insert(id, timer);
        Ok(id)
    }

    /// A POSIX timer by its number.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn get(&self, id: i32) -> Result<Rc<PosixTimer>, Errno> {
        self.posix.borrow().get(&id).cloned().ok_or(EINVAL)
    }

    /// Removes a POSIX timer and what it has sent.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn delete(&self, process: &Process, id: i32) -> Result<(), Errno> {
        let timer = self.posix.borrow_mut().remove(&id).ok_or(EINVAL)?;
        timer.timer.disarm();
        forget(process, id);
        Ok(())
    }

    /// The process has ended.
    pub fn clear(&self) {
        self.forget_posix();
        drop(self.intervals.take());
        drop(self.cpu_limit.take());
    }

    /// `execve(2)`: POSIX timers are gone, interval timers stay.
    pub fn clear_posix(&self) {
        let gone = core::mem::take(&mut *self.posix.borrow_mut());
        for timer in gone.values() {
            timer.timer.disarm();
        }
    }
}

/// Drops the signals of a timer that were not delivered yet.
fn forget(process: &Process, id: i32) {
    let mut dropped = process.signals.pending.discard_timer(id);
    for thread in process.threads.borrow().values() {
        dropped += thread.signals.pending.discard_timer(id);
    }
    process.signals.queued.set(process.signals.queued.get().saturating_sub(dropped));
}

/// A timer of `setitimer(2)`.
struct IntervalTimer {
    timer: Rc<Timer>,
    process: Weak<Process>,
    signal: Signal,
}

impl Expired for IntervalTimer {
    fn expired(&self, _count: u64) {
        if let Some(process) = self.process.upgrade() {
            // A standard signal always has room.
            let _ = signal::to_process(&process, Info::new(self.signal, SI_KERNEL), Source::Other);
        }
    }
}

/// The timer behind `RLIMIT_CPU`.
struct CpuLimit {
    timer: Rc<Timer>,
    process: Weak<Process>,
}

impl Expired for CpuLimit {
    fn expired(&self, _count: u64) {
        let Some(process) = self.process.upgrade() else { return };
        let (_, hard) = process.limits.borrow()[LIMIT_CPU];
        let over = hard != UNLIMITED && Clock::Process(process.pid).now() >= hard.saturating_mul(SECOND);
        let signal = if over { Signal::KILL } else { Signal::XCPU };
        let _ = signal::to_process(&process, Info::new(signal, SI_KERNEL), Source::Other);
    }
}

/// What a POSIX timer does when it expires (`sigevent(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nothing.
    None,
    /// A signal for the process.
    Process(Signal),
    /// A signal for a thread.
    Thread(Signal, Tid),
}

/// A timer of `timer_create(2)`.
pub struct PosixTimer {
    id: i32,
    /// Its time.
    pub timer: Rc<Timer>,
    process: Weak<Process>,
    notice: Notice,
    /// `sigev_value`.
    value: ByteBox<u64>,
    overrun: Cell<i32>,
}

impl PosixTimer {
    /// Expirations that the last delivered signal stood for, besides its own.
    pub fn overrun(&self) -> i32 {
        self.overrun.get()
    }
}

impl Expired for PosixTimer {
    fn expired(&self, count: u64) {
        let Some(process) = self.process.upgrade() else { return };
        let info = |signal| {
            let missed = i32::try_from(count - 1).unwrap_or(i32::MAX);
            Info::from_timer(signal, self.id, missed, self.value.load())
        };
        // A full queue loses a timer's information, not its signal.
        match self.notice {
            Notice::None => {}
            Notice::Process(signal) => {
                if !process.signals.pending.add_overrun(self.id, count) {
                    let _ = signal::to_process(&process, info(signal), Source::Other);
                }
            }
            Notice::Thread(signal, tid) => {
                let Some(thread) = kernel().thread(tid) else { return };
                if !thread.signals.pending.add_overrun(self.id, count) {
                    let _ = signal::to_thread(&thread, info(signal), Source::Other);
                }
            }
        }
    }
}

/// A signal leaves the queue: when it is a timer's, the timer remembers its overrun.
pub fn delivered(process: &Process, info: &Info) {
    if info.code() == SI_TIMER
        && let Ok(timer) = process.timers.get(info.get(16))
    {
        timer.overrun.set(info.get(20));
    }
}
