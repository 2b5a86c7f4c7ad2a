//! System calls: decode, call, encode. [`table`] has one row a call; the handlers lie in one file a
//! family and read like the man page. A handler never blocks; its [`Outcome`] says all that can happen.

pub mod absent;
pub mod arguments;
pub mod attributes;
pub mod counts;
pub mod credentials;
pub mod descriptors;
pub mod dispatch;
pub mod events;
pub mod execve;
pub mod files;
pub mod inotify;
pub mod io;
pub mod locks;
pub mod machine;
pub mod memory;
pub mod memory_locks;
pub mod memory_seals;
pub mod mounts;
pub mod mqueue;
pub mod names;
pub mod opening;
pub mod owners;
#[cfg(test)]
mod page;
pub mod paths;
pub mod pidfds;
pub mod prctl;
pub mod process;
pub mod process_memory;
pub mod scheduling;
pub mod seccomp;
pub mod signals;
pub mod sockets;
pub mod splice;
pub mod strace;
pub mod system;
pub mod sysv;
pub mod table;
pub mod threads;
pub mod time;
pub mod transfer;
pub mod wait;

use crate::entry::Frame;
use crate::errno::Errno;
use crate::task::{Process, Thread};
use crate::wait::{Progress, WaitFor, Wake};
use alloc::rc::Rc;

/// What a handler answers.
pub type Outcome = Result<usize, Stop>;

/// Why a call did not finish. Only [`Errno`] is ever seen by the guest.
pub enum Stop {
    /// An error.
    Errno(Errno),
    /// Park on this, then continue the call with what woke it.
    Wait(WaitFor, RestartRule),
    /// The registers were set by the call itself (`rt_sigreturn`, `execve`): store no result.
    RegistersSet,
    /// The calling host thread goes on with another guest thread's state (`execve`): its own is data, or elsewhere.
    Replaced,
    /// The calling thread ends.
    ThreadExit,
    /// The calling thread's process ends.
    ProcessExit(abi::control::Exit),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// What becomes of a waiting call when a signal with a handler arrives and nothing was done yet (kernel
/// source: `ERESTART*`, `signal(7)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartRule {
    /// `ERESTARTSYS`: run again when the handler has `SA_RESTART`, else `EINTR`.
    #[default]
    IfFlagged,
    /// `ERESTARTNOHAND`: `EINTR` whenever a handler ran (`pause`, `poll`, `nanosleep`, `epoll_wait`…).
    Never,
    /// `ERESTARTNOINTR`: always run again.
    Always,
}

/// The surroundings of a call: the thread, its user registers, and what a continued call left.
pub struct Context<'a> {
    /// The calling thread.
    pub thread: &'a Rc<Thread>,
    /// Its user registers.
    pub frame: &'a mut Frame,
    /// When the call is continued: how far it had come, and what woke it.
    pub resumed: Option<(Progress, Wake)>,
}

impl Context<'_> {
    /// The calling process.
    pub fn process(&self) -> Rc<Process> {
        self.thread.process()
    }

    /// Progress of a continued call, [`Progress::None`] at its beginning.
    pub fn progress(&self) -> Progress {
        self.resumed.map_or(Progress::None, |(progress, _)| progress)
    }

    /// Bytes that a continued call has moved already.
    pub fn bytes_done(&self) -> usize {
        match self.progress() {
            Progress::Bytes(bytes) | Progress::BytesUntil(bytes, _) => bytes,
            _ => 0,
        }
    }

    /// Whether the wait of a continued call ran out of time.
    pub fn timed_out(&self) -> bool {
        matches!(self.resumed, Some((_, Wake::Timeout)))
    }

    /// The deadline of a continued call, or the one that begins now.
    pub fn deadline(&self, relative_ns: Option<u64>) -> Option<u64> {
        let begins_now = || relative_ns.map(|ns| crate::time::monotonic_ns().saturating_add(ns));
        self.progress().deadline().or_else(begins_now)
    }
}
