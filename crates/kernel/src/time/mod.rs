//! Time: clocks, and the one table of everything that is due at a time.

pub mod clock;
pub mod posix;
pub mod timer;

use crate::kernel;
use crate::local::boot_page;
use crate::task::Tid;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

/// Something that happens at its time.
pub trait Alarm {
    /// Its time has come; `now` is guest monotonic ns. Runs under the kernel lock; may arm itself again.
    fn due(&self, now: u64);
}

enum Due {
    /// Has a host thread, which sees to it by itself.
    Thread(Tid),
    /// Has none: somebody has to wake it.
    Dormant(Tid),
    Alarm(Weak<dyn Alarm>),
}

/// Everything that is due at a time, guest `CLOCK_MONOTONIC` ns.
#[derive(Default)]
pub struct Time {
    table: RefCell<BTreeMap<(u64, u64), Due>>,
    sequence: Cell<u64>,
    alarms: Cell<usize>,
    /// CPU time that the program had used when its image was taken, ns.
    pub process_cpu_before_ns: Cell<u64>,
}

impl Time {
    /// A waiting thread is woken with [`crate::wait::Wake::Timeout`] at this time.
    pub fn arm_deadline(&self, tid: Tid, deadline_ns: u64) {
        let first = self.next_deadline_ns().is_none_or(|next| deadline_ns < next);
        self.table.borrow_mut().insert((deadline_ns, u64::from(tid.0)), Due::Thread(tid));
        if first {
            kernel().tasks.hosts.current().poller.interrupt();
        }
    }

    /// Takes that back.
    pub fn disarm_deadline(&self, tid: Tid, deadline_ns: u64) {
        if let Some(Due::Dormant(_)) = self.table.borrow_mut().remove(&(deadline_ns, u64::from(tid.0))) {
            self.alarms.set(self.alarms.get() - 1);
        }
    }

    /// Arms an alarm; the key is for [`Time::disarm`].
    pub fn arm(&self, deadline_ns: u64, alarm: Weak<dyn Alarm>) -> AlarmKey {
        let first = self.next_deadline_ns().is_none_or(|next| deadline_ns < next);
        // Above all thread numbers.
        let sequence = self.sequence.get() + 1;
        self.sequence.set(sequence);
        let key = (deadline_ns, sequence << 32);
        self.table.borrow_mut().insert(key, Due::Alarm(alarm));
        self.alarms.set(self.alarms.get() + 1);
        if first {
            let own = kernel().tasks.hosts.current();
            match kernel().tasks.hosts.polling() {
                Some(other) if own.poller.holder().is_none() => other.poller.ring(),
                _ => own.poller.interrupt(),
            }
        }
        AlarmKey(key)
    }

    /// Disarms an alarm that is not yet due.
    pub fn disarm(&self, key: AlarmKey) {
        if self.table.borrow_mut().remove(&key.0).is_some() {
            self.alarms.set(self.alarms.get() - 1);
        }
    }

    /// All threads lose their host threads: their deadlines count as alarms from now on.
    pub fn make_dormant(&self) {
        for due in self.table.borrow_mut().values_mut() {
            if let Due::Thread(tid) = *due {
                *due = Due::Dormant(tid);
                self.alarms.set(self.alarms.get() + 1);
            }
        }
    }

    /// The next time something is due.
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.table.borrow().first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// The next time something is due that the poller of this host process has to see to: an alarm, or a deadline of
    /// one of its own threads.
    pub fn next_deadline_for(&self, host: u32) -> Option<u64> {
        let shared = crate::local::common().is_some();
        let concerns = |due: &Due| match due {
            Due::Thread(tid) if shared => kernel().thread(*tid).is_some_and(|thread| thread.host() == host),
            _ => true,
        };
        let table = self.table.borrow();
        table.iter().find(|(_, due)| concerns(due)).map(|((deadline, _), _)| *deadline)
    }

    /// Whether alarms are armed, so that a poller is needed while all threads run. (A parked thread sees to its own
    /// deadline.)
    pub fn needs_service(&self) -> bool {
        self.alarms.get() > 0
    }

    /// Does what is due.
    pub fn run_due(&self) {
        let now = monotonic_ns();
        loop {
            let due = {
                let mut table = self.table.borrow_mut();
                match table.first_entry() {
                    Some(entry) if entry.key().0 <= now => entry.remove(),
                    _ => return,
                }
            };
            match due {
                Due::Thread(tid) => crate::wait::deadline_passed(tid),
                Due::Dormant(tid) => {
                    self.alarms.set(self.alarms.get() - 1);
                    crate::wait::deadline_passed(tid);
                }
                Due::Alarm(alarm) => {
                    self.alarms.set(self.alarms.get() - 1);
                    if let Some(alarm) = alarm.upgrade() {
                        let alarm: Rc<dyn Alarm> = alarm;
                        alarm.due(now);
                    }
                }
            }
        }
    }
}

/// Names an armed alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlarmKey((u64, u64));

/// The host's `CLOCK_MONOTONIC`, ns.
pub fn host_monotonic_ns() -> u64 {
    crate::entry::host_clock(1)
}

/// The guest's `CLOCK_MONOTONIC`, ns: goes on where the image was taken.
pub fn monotonic_ns() -> u64 {
    host_monotonic_ns().wrapping_add_signed(offset())
}

/// The host's `CLOCK_MONOTONIC` for a time of the guest's, ns.
pub fn to_host_monotonic(guest_ns: u64) -> u64 {
    guest_ns.wrapping_add_signed(offset().wrapping_neg())
}

fn offset() -> i64 {
    if cfg!(test) { 0 } else { boot_page().monotonic_offset_ns }
}

/// The guest's `CLOCK_REALTIME`, ns.
pub fn realtime_ns() -> u64 {
    crate::entry::host_clock(0)
}
