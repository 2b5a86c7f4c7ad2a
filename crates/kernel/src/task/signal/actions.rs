//! What a process does about each signal.

use super::Signal;
use crate::heap::guest_word::ByteBox;
use bitflags::bitflags;
use core::cell::RefCell;

bitflags! {
    /// `SA_*` of `sigaction(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct ActionFlags: u64 {
        /// `SA_NOCLDSTOP`.
        const NOCLDSTOP = 0x1;
        /// `SA_NOCLDWAIT`.
        const NOCLDWAIT = 0x2;
        /// `SA_SIGINFO`.
        const SIGINFO = 0x4;
        /// `SA_UNSUPPORTED`.
        const UNSUPPORTED = 0x400;
        /// `SA_EXPOSE_TAGBITS`.
        const EXPOSE_TAGBITS = 0x800;
        /// `SA_RESTORER`.
        const RESTORER = 0x0400_0000;
        /// `SA_ONSTACK`.
        const ONSTACK = 0x0800_0000;
        /// `SA_RESTART`.
        const RESTART = 0x1000_0000;
        /// `SA_NODEFER`.
        const NODEFER = 0x4000_0000;
        /// `SA_RESETHAND`.
        const RESETHAND = 0x8000_0000;
    }
}

/// `SIG_DFL`.
pub const DEFAULT: u64 = 0;
/// `SIG_IGN`.
pub const IGNORE: u64 = 1;

/// The kernel's `struct sigaction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Address of the handler, [`DEFAULT`] or [`IGNORE`].
    pub handler: u64,
    /// Flags.
    pub flags: ActionFlags,
    /// Where the handler returns to.
    pub restorer: u64,
    /// Blocked while it runs.
    pub mask: u64,
}

impl Action {
    /// From the four words of the structure. Flags Linux does not know are cleared: so programs find out.
    pub fn from_words([handler, flags, restorer, mask]: [u64; 4]) -> Self {
        let flags = ActionFlags::from_bits_truncate(flags).difference(ActionFlags::UNSUPPORTED);
        Self { handler, flags, restorer, mask: mask & !Signal::UNSTOPPABLE }
    }

    /// The four words of the structure.
    pub fn to_words(self) -> [u64; 4] {
        [self.handler, self.flags.bits(), self.restorer, self.mask]
    }

    /// Whether a handler runs.
    pub fn is_handler(&self) -> bool {
        self.handler > IGNORE
    }

    /// Whether the signal vanishes.
    pub fn ignores(&self, signal: Signal) -> bool {
        self.handler == IGNORE || self.handler == DEFAULT && by_default(signal) == ByDefault::Ignore
    }
}

/// What happens to a process that says nothing about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByDefault {
    /// It ends.
    Terminate,
    /// Nothing.
    Ignore,
    /// It stops.
    Stop,
}

/// The default action, `signal(7)`.
pub fn by_default(signal: Signal) -> ByDefault {
    match signal {
        Signal::CHLD | Signal::URG | Signal::WINCH | Signal::CONT => ByDefault::Ignore,
        _ if signal.bit() & Signal::STOPPING != 0 => ByDefault::Stop,
        _ => ByDefault::Terminate,
    }
}

/// The table of a process.
pub struct Actions {
    table: RefCell<ByteBox<[[u64; 4]; 64]>>,
}

impl Default for Actions {
    fn default() -> Self {
        Self { table: RefCell::new(ByteBox::new([[0; 4]; 64])) }
    }
}

impl Actions {
    /// The action for a signal.
    pub fn get(&self, signal: Signal) -> Action {
        Action::from_words(self.table.borrow().load()[index(signal)])
    }

    /// Replaces the action for a signal; answers the old one.
    pub fn set(&self, signal: Signal, action: Action) -> Action {
        self.table
            .borrow_mut()
            .update(|table| Action::from_words(core::mem::replace(&mut table[index(signal)], action.to_words())))
    }

    /// The same as in another process (`fork`).
    pub fn copy_from(&self, other: &Self) {
        let table = other.table.borrow().load();
        self.table.borrow_mut().update(|own| *own = table);
    }

    /// `execve(2)`: handlers are gone, what was ignored stays ignored.
    pub fn reset_handlers(&self) {
        self.table.borrow_mut().update(|table| {
            for words in table.iter_mut() {
                let handler = if words[0] == IGNORE { IGNORE } else { DEFAULT };
                *words = [handler, 0, 0, 0];
            }
        });
    }
}

fn index(signal: Signal) -> usize {
    usize::from(signal.0) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exec_keeps_what_is_ignored() {
        let actions = Actions::default();
        actions.set(Signal::PIPE, Action { handler: IGNORE, ..Action::default() });
        actions.set(Signal::USR1, Action { handler: 0x1000, flags: ActionFlags::RESTART, restorer: 1, mask: 7 });
        actions.reset_handlers();
        assert_eq!(actions.get(Signal::PIPE).handler, IGNORE);
        assert_eq!(actions.get(Signal::USR1), Action::default());
    }

    #[test]
    fn unknown_flags_and_unstoppable_signals_are_left_out() {
        let action = Action::from_words([2, 0x1000_0000 | 0x400 | 0x10, 3, u64::MAX]);
        assert_eq!(action.flags, ActionFlags::RESTART);
        assert_eq!(action.mask & Signal::UNSTOPPABLE, 0);
    }
}
