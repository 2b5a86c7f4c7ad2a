//! Sockets of the inside, and the listener that is fed from outside.

use crate::task::poller::HostHandle;
use abi::control::Connection;

/// All sockets.
#[derive(Default)]
pub struct Net {}

impl Net {
    /// A client connected: the guest's listener on the function's port gets it.
    pub fn connected(&self, connection: Connection, socket: HostHandle) {
        crate::kernel().control.early.borrow_mut().push_back((connection, socket));
    }

    /// Whether the guest listens on the port that is fed from outside.
    pub fn is_fed_from_outside(&self) -> bool {
        false
    }
}
