//! How a sandbox ended, and why.

use abi::control::Exit;
use std::fmt;

/// What the host says of the end of a sandbox's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It ended itself with this status.
    Status(i32),
    /// A host signal ended it.
    Signal(i32),
    /// It made a host call that the hostcall table does not list.
    Filter,
    /// It ended before anyone could look.
    Unknown,
}

impl How {
    /// From a wait status.
    pub(crate) fn from_wait(status: i32) -> Self {
        if libc::WIFEXITED(status) {
            Self::Status(libc::WEXITSTATUS(status))
        } else if !libc::WIFSIGNALED(status) {
            Self::Unknown
        } else if libc::WTERMSIG(status) == libc::SIGSYS {
            Self::Filter
        } else {
            Self::Signal(libc::WTERMSIG(status))
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with status {status}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Filter => f.write_str("killed by the hostcall filter (a call that is not on the list)"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}

/// Why a sandbox ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The program ended, and the guest kernel said how.
    Program(Exit),
    /// The program could not be started: errno and a sentence.
    Start(i32, String),
    /// The image could not be continued.
    Boot(String),
    /// The guest kernel died and left a report.
    Crash,
    /// It was asked to stop for an image and can't; a sentence.
    Freeze(String),
    /// The monitor killed it because it was told to.
    Asked,
    /// The function's time was over.
    Timeout,
    /// Its private memory exceeded the limit.
    Memory,
    /// It broke the rules of its control socket; what it did.
    Violation(String),
    /// Nobody said anything: the host killed it, or a compromised guest kernel ended itself.
    Unannounced,
}

/// The end of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// What the host says.
    pub how: How,
    /// What is known about the reason.
    pub reason: Reason,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Program(Exit::Status(status)) => write!(f, "the program ended with status {status}"),
            Reason::Program(Exit::Signal(signal)) => write!(f, "the program was killed by signal {signal}"),
            Reason::Program(Exit::OutOfMemory) | Reason::Memory => f.write_str("it exceeded its memory limit"),
            Reason::Start(_, message) | Reason::Boot(message) | Reason::Freeze(message) => f.write_str(message),
            Reason::Crash => write!(f, "the guest kernel crashed ({})", self.how),
            Reason::Asked => f.write_str("killed by the monitor"),
            Reason::Timeout => f.write_str("its time limit was reached"),
            Reason::Violation(what) => write!(f, "killed because it {what}"),
            Reason::Unannounced => write!(f, "{}", self.how),
        }
    }
}
