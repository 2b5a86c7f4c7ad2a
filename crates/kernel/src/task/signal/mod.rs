//! Signals: `signal(7)`.
//!
//! * [`actions`]: what a process does about each signal.
//! * [`queue`]: what is pending, for a thread and for its process.
//! * [`send`]: the way in: from `kill`, timers, faults, the kernel's own objects, the monitor.
//! * [`delivery`]: the way out: what a thread does about its signals before it goes back to user code.
//! * [`death`]: what is said of a program that a fault of its own ended.
//! * [`frame`]: the frame a handler finds on its stack, and the way back through `rt_sigreturn`.
//!
//! Masks, queues and actions are what the guest chooses, so they lie in the byte arena.

pub mod actions;
pub mod death;
pub mod delivery;
pub mod frame;
pub mod queue;
pub mod send;

use crate::errno::{EINVAL, Errno};
use crate::heap::guest_word::ByteBox;
use crate::user_memory::UserPtr;
use crate::wait::WaitQueue;
use actions::{Action, Actions};
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use queue::{Info, Queue};

pub use delivery::{deliver, ends_wait, finish_mask, is_deliverable, will_handle};
pub use send::{Source, fault, from_outside, to_process, to_thread};

/// A signal number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(pub u8);

macro_rules! signals {
    ($($name:ident = $number:literal $text:literal;)+) => {
        #[allow(missing_docs)]
        impl Signal { $(pub const $name: Self = Self($number);)+ }
        impl Signal {
            /// Its name in `signal(7)`; none for real-time signals.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)+
                    _ => None,
                }
            }
        }
    };
}

signals! {
    HUP = 1 "SIGHUP";
    INT = 2 "SIGINT";
    QUIT = 3 "SIGQUIT";
    ILL = 4 "SIGILL";
    TRAP = 5 "SIGTRAP";
    ABRT = 6 "SIGABRT";
    BUS = 7 "SIGBUS";
    FPE = 8 "SIGFPE";
    KILL = 9 "SIGKILL";
    USR1 = 10 "SIGUSR1";
    SEGV = 11 "SIGSEGV";
    USR2 = 12 "SIGUSR2";
    PIPE = 13 "SIGPIPE";
    ALRM = 14 "SIGALRM";
    TERM = 15 "SIGTERM";
    STKFLT = 16 "SIGSTKFLT";
    CHLD = 17 "SIGCHLD";
    CONT = 18 "SIGCONT";
    STOP = 19 "SIGSTOP";
    TSTP = 20 "SIGTSTP";
    TTIN = 21 "SIGTTIN";
    TTOU = 22 "SIGTTOU";
    URG = 23 "SIGURG";
    XCPU = 24 "SIGXCPU";
    XFSZ = 25 "SIGXFSZ";
    VTALRM = 26 "SIGVTALRM";
    PROF = 27 "SIGPROF";
    WINCH = 28 "SIGWINCH";
    IO = 29 "SIGIO";
    PWR = 30 "SIGPWR";
    SYS = 31 "SIGSYS";
}

impl Signal {
    /// First real-time signal of the kernel.
    pub const RT_MIN: u8 = 32;
    /// Signals that nobody can block, ignore or handle.
    pub const UNSTOPPABLE: u64 = Self::KILL.bit() | Self::STOP.bit();
    /// Signals that stop a process by default.
    pub const STOPPING: u64 = Self::STOP.bit() | Self::TSTP.bit() | Self::TTIN.bit() | Self::TTOU.bit();
    /// Signals raised by what the thread itself just did: delivered first.
    pub const SYNCHRONOUS: u64 =
        Self::SEGV.bit() | Self::BUS.bit() | Self::ILL.bit() | Self::TRAP.bit() | Self::FPE.bit() | Self::SYS.bit();

    /// From a number the guest gave.
    ///
    /// # Errors
    /// `EINVAL` for none.
    pub fn new(number: i32) -> Result<Self, Errno> {
        match u8::try_from(number) {
            Ok(number @ 1..=64) => Ok(Self(number)),
            _ => Err(EINVAL),
        }
    }

    /// Its bit in a signal set.
    pub const fn bit(self) -> u64 {
        1 << (self.0 - 1)
    }

    /// Whether it is queued each time it is sent.
    pub const fn is_real_time(self) -> bool {
        self.0 >= Self::RT_MIN
    }

    /// The first one of a set in the order of delivery.
    pub fn first_of(set: u64) -> Option<Self> {
        let urgent = set & Self::SYNCHRONOUS;
        let set = if urgent != 0 { urgent } else { set };
        (set != 0).then(|| Self(set.trailing_zeros() as u8 + 1))
    }
}

/// `stack_t`: the alternate stack of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AltStack {
    /// `ss_sp`.
    pub start: u64,
    /// `ss_size`; 0: none.
    pub size: u64,
    /// `SS_AUTODISARM` or nothing.
    pub flags: u32,
}

/// `SS_ONSTACK`.
pub const SS_ONSTACK: u32 = 1;
/// `SS_DISABLE`.
pub const SS_DISABLE: u32 = 2;
/// `SS_AUTODISARM`.
pub const SS_AUTODISARM: u32 = 1 << 31;

impl AltStack {
    /// Whether a stack pointer lies in it.
    pub fn holds(&self, rsp: u64) -> bool {
        // With SS_AUTODISARM the stack is free again as soon as a handler runs.
        self.flags & SS_AUTODISARM == 0 && rsp > self.start && rsp - self.start <= self.size
    }

    /// The state that `sigaltstack(2)` tells.
    pub fn state(&self, rsp: u64) -> u32 {
        if self.size == 0 {
            SS_DISABLE
        } else if self.holds(rsp) {
            SS_ONSTACK
        } else {
            0
        }
    }
}

/// The words of a thread: mask, mask to come back to, alternate stack (start, size, flags), last fault (trap, error,
/// `cr2`).
type Words = [u64; 8];
const MASK: usize = 0;
const SAVED_MASK: usize = 1;
const STACK: usize = 2;
const FAULT: usize = 5;

/// What a thread knows of signals.
#[derive(Default)]
pub struct ThreadSignals {
    words: RefCell<ByteBox<Words>>,
    /// The mask is that of the running call; there is one to come back to.
    mask_of_call: Cell<bool>,
    /// Pending for this thread alone.
    pub pending: Queue,
}

impl ThreadSignals {
    /// Blocked signals, bit n-1 for signal n.
    pub fn mask(&self) -> u64 {
        self.words.borrow().load()[MASK]
    }

    /// Blocks these signals and no others; those nobody can block are left out.
    pub fn set_mask(&self, mask: u64) {
        self.update(|words| words[MASK] = mask & !Signal::UNSTOPPABLE);
    }

    /// Blocks these signals until the call that is running ends, or its handler begins (`ppoll`,
    /// `sigsuspend`). A continued call says it again, which changes nothing.
    pub fn set_mask_for_call(&self, mask: u64) {
        let first = !self.mask_of_call.replace(true);
        self.update(|words| {
            if first {
                words[SAVED_MASK] = words[MASK];
            }
            words[MASK] = mask & !Signal::UNSTOPPABLE;
        });
    }

    /// The mask to come back to after a handler: that of before the call.
    fn mask_for_frame(&self) -> u64 {
        let words = self.words.borrow().load();
        words[if self.mask_of_call.take() { SAVED_MASK } else { MASK }]
    }

    /// The call ended: its mask ends.
    fn restore_mask(&self) {
        if self.mask_of_call.take() {
            self.update(|words| words[MASK] = words[SAVED_MASK]);
        }
    }

    /// The alternate stack.
    pub fn alternate_stack(&self) -> AltStack {
        let words = self.words.borrow().load();
        AltStack { start: words[STACK], size: words[STACK + 1], flags: words[STACK + 2] as u32 }
    }

    /// Names the alternate stack.
    pub fn set_alternate_stack(&self, stack: AltStack) {
        self.update(|words| words[STACK..FAULT].copy_from_slice(&[stack.start, stack.size, stack.flags.into()]));
    }

    /// Trap number, error code and address of the last fault.
    fn last_fault(&self) -> [u64; 3] {
        let words = self.words.borrow().load();
        [words[FAULT], words[FAULT + 1], words[FAULT + 2]]
    }

    fn set_last_fault(&self, fault: [u64; 3]) {
        self.update(|words| words[FAULT..].copy_from_slice(&fault));
    }

    fn update<R>(&self, change: impl FnOnce(&mut Words) -> R) -> R {
        self.words.borrow_mut().update(change)
    }
}

/// What the threads of a process share of signals.
#[derive(Default)]
pub struct ProcessSignals {
    /// What it does about each signal.
    pub actions: Actions,
    /// Pending for any thread of it.
    pub pending: Queue,
    /// Woken when a signal becomes pending, blocked or not: `signalfd`, `sigtimedwait`.
    pub arrived: Rc<WaitQueue>,
    /// Queued entries of all its threads (`RLIMIT_SIGPENDING`).
    pub queued: Cell<u32>,
}

/// The pending signals of a thread and its process.
pub fn pending(thread: &super::Thread) -> u64 {
    thread.signals.pending.set() | thread.process().signals.pending.set()
}

/// Takes the next pending signal of a set, blocked or not (`signalfd`, `sigtimedwait`): the thread's first.
pub fn dequeue(thread: &super::Thread, set: u64) -> Option<Info> {
    let process = thread.process();
    for pending in [&thread.signals.pending, &process.signals.pending] {
        if let Some(signal) = Signal::first_of(pending.set() & set) {
            let info = pending.take(signal);
            if info.is_queued() {
                process.signals.queued.set(process.signals.queued.get().saturating_sub(1));
            }
            crate::time::posix::delivered(&process, &info);
            return Some(info);
        }
    }
    None
}

/// Reads a signal set that a call such as `ppoll` takes; none when the pointer is null.
///
/// # Errors
/// `EINVAL` for another size than Linux's, `EFAULT`.
pub fn read_set(set: UserPtr<u64>, size: usize) -> Result<Option<u64>, Errno> {
    if set.is_null() {
        return Ok(None);
    }
    if size != 8 {
        return Err(EINVAL);
    }
    set.read().map(Some)
}

/// The action of a process for a signal.
pub fn action(thread: &super::Thread, signal: Signal) -> Action {
    thread.process().signals.actions.get(signal)
}
