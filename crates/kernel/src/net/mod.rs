//! Sockets of the inside, and the listener that is fed from outside.

use crate::fs::file::OpenFile;
use crate::kernel;
use crate::task::poller::HostHandle;
use abi::control::Connection;

/// All sockets.
#[derive(Default)]
pub struct Net {}

impl Net {
    /// A client connected: the guest's listener on the function's port gets it.
    pub fn connected(&self, connection: Connection, socket: HostHandle) {
        kernel().control.early.borrow_mut().push_back((connection, socket));
    }

    /// Whether the guest listens on the port that is fed from outside.
    pub fn is_fed_from_outside(&self) -> bool {
        false
    }
}

/// Whether the file is the listener that is fed from outside.
pub fn is_outside(_file: &OpenFile) -> bool {
    false
}

/// As [`is_outside`], or an epoll set that includes it.
pub fn leads_outside(file: &OpenFile) -> bool {
    is_outside(file) || file.downcast::<crate::events::epoll::Epoll>().is_some_and(|set| set.includes_outside())
}

/// Whether the func-entry point is still looked for, so that waits have to say if they are on the listener.
pub fn entry_is_watched() -> bool {
    kernel().launch.borrow().announce_entry && !kernel().control.entry_announced.get()
}
