//! `timerfd_create(2)`: a timer that counts its expirations.
//!
//! As in Linux, a periodic timer that has expired is forwarded only when somebody asks: a tiny interval costs nothing
//! while nobody reads.

use crate::errno::{EINVAL, Errno};
use crate::fs::file::{File, OpenFile, OpenFlags, Stat};
use crate::heap::guest_word::ByteBox;
use crate::kernel;
use crate::syscall::Outcome;
use crate::time::{Alarm, AlarmKey, monotonic_ns, realtime_ns};
use crate::user_memory::Sink;
use crate::wait::{Events, WaitQueue};
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Guest monotonic time of the next expiration (0: not armed), the interval, expirations not yet read; ns.
#[derive(Clone, Copy)]
struct State {
    next: u64,
    interval: u64,
    ticks: u64,
}

/// The timer.
pub struct TimerFd {
    realtime: bool,
    // The guest chooses the numbers.
    state: RefCell<ByteBox<[u64; 3]>>,
    armed: Cell<Option<AlarmKey>>,
    queue: Rc<WaitQueue>,
    this: Weak<Self>,
}

/// A setting of a timer, ns: time until the first expiration (or its absolute time), and the interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// 0: disarmed.
    pub value: u64,
    /// 0: once.
    pub interval: u64,
}

impl TimerFd {
    /// Opens a new one. `realtime`: absolute times are of `CLOCK_REALTIME`, else of `CLOCK_MONOTONIC`.
    pub fn open(realtime: bool, flags: OpenFlags) -> Rc<OpenFile> {
        let timer = Rc::new_cyclic(|this| Self {
            realtime,
            state: RefCell::new(ByteBox::new([0; 3])),
            armed: Cell::new(None),
            queue: WaitQueue::new(),
            this: this.clone(),
        });
        OpenFile::new(timer, flags | OpenFlags::RDWR)
    }

    fn state(&self) -> State {
        let [next, interval, ticks] = self.state.borrow().load();
        State { next, interval, ticks }
    }

    fn store(&self, state: State) {
        self.state.borrow_mut().store([state.next, state.interval, state.ticks]);
    }

    fn arm(&self, next: u64) {
        let weak: Weak<dyn Alarm> = self.this.clone();
        self.armed.set(Some(kernel().time.arm(next, weak)));
    }

    /// Counts the expirations up to now and arms the timer for the next one.
    fn forward(&self) {
        let mut state = self.state();
        let now = monotonic_ns();
        if state.next == 0 || state.next > now {
            return;
        }
        if let Some(key) = self.armed.take() {
            kernel().time.disarm(key);
        }
        match now.saturating_sub(state.next).checked_div(state.interval) {
            None => {
                state.ticks += 1;
                state.next = 0;
            }
            Some(passed) => {
                let periods = passed + 1;
                state.ticks = state.ticks.saturating_add(periods);
                state.next = state.next.saturating_add(periods.saturating_mul(state.interval));
                self.arm(state.next);
            }
        }
        self.store(state);
    }

    /// `timerfd_gettime(2)`.
    pub fn get(&self) -> Setting {
        self.forward();
        let state = self.state();
        let value = if state.next == 0 { 0 } else { state.next.saturating_sub(monotonic_ns()).max(1) };
        Setting { value, interval: state.interval }
    }

    /// `timerfd_settime(2)`; answers the setting before.
    pub fn set(&self, setting: Setting, absolute: bool) -> Setting {
        let before = self.get();
        if let Some(key) = self.armed.take() {
            kernel().time.disarm(key);
        }
        let now = monotonic_ns();
        let next = match setting.value {
            0 => 0,
            value if absolute && self.realtime => {
                now.saturating_add_signed(value.saturating_sub(realtime_ns()).try_into().unwrap_or(i64::MAX)).max(1)
            }
            value if absolute => value.max(1),
            value => now.saturating_add(value).max(1),
        };
        self.store(State { next, interval: setting.interval, ticks: 0 });
        if next != 0 {
            self.arm(next);
        }
        before
    }
}

impl Alarm for TimerFd {
    fn due(&self, _now: u64) {
        // Stays expired until somebody looks: `forward` counts.
        self.armed.set(None);
        self.queue.wake(Events::IN | Events::RDNORM);
    }
}

impl File for TimerFd {
    fn kind(&self) -> &'static str {
        "timerfd"
    }

    fn name(&self) -> String {
        "anon_inode:[timerfd]".into()
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(crate::ipc::anonymous_stat())
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, _position: u64) -> Outcome {
        if sink.room() < 8 {
            return Err(EINVAL.into());
        }
        self.forward();
        let state = self.state();
        if state.ticks == 0 {
            return Err(file.block(&self.queue, Events::IN, "timerfd: an expiration"));
        }
        // As Linux: what can't be handed over is lost.
        self.store(State { ticks: 0, ..state });
        sink.put(&state.ticks.to_ne_bytes())?;
        Ok(8)
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        let state = self.state();
        let expired = state.ticks > 0 || (state.next != 0 && state.next <= monotonic_ns());
        if expired { Events::IN | Events::RDNORM } else { Events::empty() }
    }

    fn queue(&self) -> Option<Rc<WaitQueue>> {
        Some(self.queue.clone())
    }

    fn released(&self, _file: &OpenFile) {
        if let Some(key) = self.armed.take() {
            kernel().time.disarm(key);
        }
    }

    fn stays_at_start(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
