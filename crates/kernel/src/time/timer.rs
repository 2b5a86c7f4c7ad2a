//! The timer behind `timerfd`, `setitimer`, `alarm` and `timer_create`: a time on a clock, an interval,
//! and how often it expired.

use super::clock::{Clock, monotonic_from_realtime};
use super::{Alarm, AlarmKey, monotonic_ns};
use crate::kernel;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

/// Who is told that a timer expired.
pub trait Expired {
    /// The timer expired `count` times (more than once when it was looked at late). Runs under the
    /// kernel lock; may set the timer.
    fn expired(&self, count: u64);
}

/// A timer. It is told to its owner while the owner lives; a dropped timer never expires.
pub struct Timer {
    this: Weak<Self>,
    clock: Clock,
    owner: RefCell<Option<Weak<dyn Expired>>>,
    armed: Cell<Option<Armed>>,
    expirations: Cell<u64>,
}

#[derive(Clone, Copy)]
struct Armed {
    key: AlarmKey,
    /// On the clock that counts.
    clock: Clock,
    next_ns: u64,
    interval_ns: u64,
}

/// What a timer shows (`struct itimerspec`): time left until it expires next, 0 when it is not armed, and the interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// `it_value`, ns.
    pub value_ns: u64,
    /// `it_interval`, ns.
    pub interval_ns: u64,
}

/// A CPU clock is looked at again after this at the earliest, ns: the process may not be running.
const CPU_CLOCK_STEP: u64 = 1_000_000;

impl Timer {
    /// A timer that is not armed.
    pub fn new(clock: Clock) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            clock,
            owner: RefCell::default(),
            armed: Cell::default(),
            expirations: Cell::default(),
        })
    }

    /// Names the owner.
    pub fn set_owner(&self, owner: Weak<dyn Expired>) {
        *self.owner.borrow_mut() = Some(owner);
    }

    /// Arms it for a time from now, or on its clock (`absolute`); a value of 0 disarms. Answers what it showed before and
    /// forgets expirations that were not taken.
    pub fn set(&self, setting: Setting, absolute: bool) -> Setting {
        let before = self.get();
        self.disarm();
        self.expirations.set(0);
        if setting.value_ns == 0 {
            return before;
        }
        // A relative time does not follow the real-time clock when it is set.
        let clock = if self.clock == Clock::Realtime && !absolute { Clock::Monotonic } else { self.clock };
        let next_ns = if absolute { setting.value_ns } else { clock.now().saturating_add(setting.value_ns) };
        self.arm(clock, next_ns, setting.interval_ns);
        before
    }

    /// What it shows.
    pub fn get(&self) -> Setting {
        self.armed.get().map_or(Setting::default(), |armed| Setting {
            // Armed and due, but not yet served: not 0, that would be disarmed.
            value_ns: armed.next_ns.saturating_sub(armed.clock.now()).max(1),
            interval_ns: armed.interval_ns,
        })
    }

    /// Expirations since it was set or this was asked last.
    pub fn take_expirations(&self) -> u64 {
        self.expirations.take()
    }

    /// Whether there are expirations to take.
    pub fn has_expired(&self) -> bool {
        self.expirations.get() > 0
    }

    /// Disarms it.
    pub fn disarm(&self) {
        if let Some(armed) = self.armed.take() {
            kernel().time.disarm(armed.key);
        }
    }

    fn arm(&self, clock: Clock, next_ns: u64, interval_ns: u64) {
        let deadline_ns = match clock {
            Clock::Monotonic => next_ns,
            Clock::Realtime => monotonic_from_realtime(next_ns),
            Clock::Process(_) | Clock::Thread(_) => {
                let cpus = u64::from(crate::task::cpu_count());
                let left = next_ns.saturating_sub(clock.now()) / cpus;
                monotonic_ns().saturating_add(left.max(CPU_CLOCK_STEP))
            }
        };
        let alarm: Weak<dyn Alarm> = self.this.clone();
        let key = kernel().time.arm(deadline_ns, alarm);
        self.armed.set(Some(Armed { key, clock, next_ns, interval_ns }));
    }
}

impl Alarm for Timer {
    fn due(&self, _now: u64) {
        let Some(Armed { clock, next_ns, interval_ns, .. }) = self.armed.take() else { return };
        let now = clock.now();
        if now < next_ns {
            self.arm(clock, next_ns, interval_ns);
            return;
        }
        let missed = (now - next_ns).checked_div(interval_ns);
        let count = 1 + missed.unwrap_or(0);
        if interval_ns > 0 {
            self.arm(clock, next_ns.saturating_add(count.saturating_mul(interval_ns)), interval_ns);
        }
        self.expirations.set(self.expirations.get().saturating_add(count));
        let owner = self.owner.borrow().as_ref().and_then(Weak::upgrade);
        if let Some(owner) = owner {
            owner.expired(count);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counter(Cell<u64>);
    impl Expired for Counter {
        fn expired(&self, count: u64) {
            self.0.set(self.0.get() + count);
        }
    }

    #[test]
    fn expires_once_when_its_time_has_passed() {
        let timer = Timer::new(Clock::Monotonic);
        let counter = Rc::new(Counter::default());
        let owner: Weak<dyn Expired> = Rc::downgrade(&counter) as Weak<dyn Expired>;
        timer.set_owner(owner);
        timer.set(Setting { value_ns: 1, interval_ns: 0 }, true);
        assert_eq!(timer.get(), Setting { value_ns: 1, interval_ns: 0 });
        kernel().time.run_due();
        assert_eq!(counter.0.get(), 1);
        assert_eq!(timer.take_expirations(), 1);
        assert_eq!(timer.get(), Setting::default());
        assert_eq!(kernel().time.next_deadline_ns(), None);
    }

    #[test]
    fn late_interval_counts_all_it_missed_and_goes_on() {
        let timer = Timer::new(Clock::Monotonic);
        let start = monotonic_ns() - 10_000_000_000;
        timer.set(Setting { value_ns: start, interval_ns: 3_000_000_000 }, true);
        kernel().time.run_due();
        assert_eq!(timer.take_expirations(), 4);
        assert!(timer.get().value_ns <= 3_000_000_000);
        timer.set(Setting::default(), false);
        assert_eq!(kernel().time.next_deadline_ns(), None);
    }

    #[test]
    fn dropped_timer_is_not_due() {
        drop({
            let timer = Timer::new(Clock::Realtime);
            timer.set(Setting { value_ns: 5, interval_ns: 5 }, false);
            timer
        });
        assert_eq!(kernel().time.next_deadline_ns(), None);
        assert!(!kernel().time.needs_service());
    }
}
