//! Exit statuses, all in one place.

use abi::control::Exit;
use monitor::{End, How, Reason};
use std::process::ExitCode;

/// How `catalyzer` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Success,
    /// An HTTP status of 400 or more (`invoke`).
    HttpError,
    /// A check that was asked for failed (`image verify`, `doctor`).
    CheckFailed,
    /// The time limit was reached (`run`).
    TimedOut,
    /// What the program did (`run`).
    Program(Exit),
    /// The program could not be started, for this errno (`run`).
    NotStarted(i32),
    /// Our own errors.
    Failed,
}

impl Status {
    /// The number the caller sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::CheckFailed => 1,
            Self::HttpError => 22,
            Self::TimedOut => 124,
            Self::Failed => 125,
            Self::NotStarted(libc::ENOENT | libc::ENOTDIR) => 127,
            Self::NotStarted(_) => 126,
            Self::Program(Exit::Status(status)) => status,
            Self::Program(Exit::Signal(signal)) => 128u8.saturating_add(signal),
            Self::Program(Exit::OutOfMemory) => 137,
        }
    }
}

impl Status {
    /// The end of a sandbox, as the end of the program in it. Only a broken sandbox is our own error.
    pub const fn of_end(end: &End) -> Self {
        match (&end.reason, end.how) {
            (Reason::Program(exit), _) => Self::Program(*exit),
            (Reason::Start(errno, _), _) => Self::NotStarted(*errno),
            (Reason::Timeout, _) => Self::TimedOut,
            (Reason::Memory, _) => Self::Program(Exit::OutOfMemory),
            // What the host did to it without a word of ours is what happened to the program.
            (Reason::Unannounced, How::Filter) => Self::Program(Exit::Signal(libc::SIGSYS as u8)),
            (Reason::Unannounced, How::Signal(signal)) if 0 < signal && signal < 65 => {
                Self::Program(Exit::Signal(signal as u8))
            }
            (
                Reason::Unannounced
                | Reason::Boot(_)
                | Reason::Freeze(_)
                | Reason::Crash
                | Reason::Asked
                | Reason::Violation(_),
                _,
            ) => Self::Failed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_killed_by_a_signal_ends_with_128_and_its_number() {
        assert_eq!(Status::Program(Exit::Signal(15)).code(), 143);
        assert_eq!(Status::Program(Exit::OutOfMemory).code(), 137);
        assert_eq!(Status::Program(Exit::Status(3)).code(), 3);
    }

    #[test]
    fn the_end_of_a_sandbox_is_the_end_of_its_program() {
        let code = |reason, how| Status::of_end(&End { how, reason }).code();
        assert_eq!(code(Reason::Program(Exit::Status(7)), How::Status(0)), 7);
        assert_eq!(code(Reason::Timeout, How::Signal(9)), 124);
        assert_eq!(code(Reason::Memory, How::Signal(9)), 137);
        assert_eq!(code(Reason::Unannounced, How::Signal(9)), 137);
        assert_eq!(code(Reason::Unannounced, How::Filter), 159);
        assert_eq!(code(Reason::Start(libc::ENOENT, String::new()), How::Status(0)), 127);
        assert_eq!(code(Reason::Crash, How::Signal(11)), 125);
    }

    #[test]
    fn missing_and_unusable_programs_are_told_apart() {
        assert_eq!(Status::NotStarted(libc::ENOENT).code(), 127);
        assert_eq!(Status::NotStarted(libc::EACCES).code(), 126);
        assert_eq!(Status::NotStarted(libc::ENOEXEC).code(), 126);
    }
}
