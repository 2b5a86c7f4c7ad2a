//! Signals: `signal(7)`.

use super::Thread;
use crate::entry::{Fault, Frame};
use crate::heap::guest_word::ByteBox;
use crate::syscall::RestartRule;
use alloc::rc::Rc;
use core::cell::RefCell;

/// What a thread knows of signals. The guest chooses these words, so they lie in the byte arena.
#[derive(Default)]
pub struct ThreadSignals {
    mask: RefCell<ByteBox<u64>>,
}

impl ThreadSignals {
    /// Blocked signals, bit n-1 for signal n.
    pub fn mask(&self) -> u64 {
        self.mask.borrow().load()
    }

    /// Blocks these signals and no others.
    pub fn set_mask(&self, mask: u64) {
        self.mask.borrow_mut().store(mask);
    }
}

/// What the threads of a process share of signals.
#[derive(Default)]
pub struct ProcessSignals {}

/// Whether a signal is pending that ends a wait: not blocked, and handled or deadly.
pub fn is_deliverable(_thread: &Thread) -> bool {
    false
}

/// On the way out to user code: delivers what is pending. `interrupted` tells of a call that a signal
/// ended before it did anything: its number is in `frame.registers.syscall`, and depending on the rule
/// and the handler's `SA_RESTART` it is run again (`rip -= 2`, `rax` = number) or answers `EINTR`.
pub fn deliver(_thread: &Rc<Thread>, _frame: &mut Frame, _interrupted: Option<RestartRule>) {}

/// A fault of user code: becomes `SIGSEGV`, `SIGBUS`, `SIGILL`, `SIGFPE` or `SIGTRAP` with its `siginfo`.
pub fn fault(thread: &Rc<Thread>, _frame: &mut Frame, fault: Fault) {
    let _ = thread;
    crate::control::exited(abi::control::Exit::Signal(fault.signal));
}

/// A signal from outside the sandbox, for the program.
pub fn from_outside(signal: u8) {
    crate::control::exited(abi::control::Exit::Signal(signal));
}
