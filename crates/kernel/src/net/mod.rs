//! Sockets of the inside, and the listener that is fed from outside.
//!
//! * [`socket`]: what all sockets can do; [`tcp`], [`udp`], [`unix`] and [`netlink`] implement it.
//! * [`stream`]: a connection inside; [`host_stream`]: one that the monitor handed in.
//! * [`ports`]: who holds which port; [`address`], [`options`], [`interface`]: what the guest sees around it.
//!
//! There is one interface, loopback. What comes from outside comes as connected descriptors; so does what is allowed to
//! go there ([`outside`]). Other networks are unreachable.

pub mod address;
pub mod host_stream;
pub mod interface;
pub mod listing;
pub mod netlink;
pub mod options;
pub mod outside;
pub mod ports;
pub mod socket;
pub mod stream;
pub mod tcp;
pub mod udp;
pub mod unix;
pub mod unix_names;

use crate::events::epoll::Epoll;
use crate::fs::file::OpenFile;
use crate::kernel;
use crate::local::boot_page;
use crate::task::poller::HostHandle;
use abi::boot::Stamp;
use abi::control::Connection;
use tcp::TcpSocket;

/// All sockets.
#[derive(Default)]
pub struct Net {
    /// TCP ports.
    pub tcp: ports::Ports,
    /// UDP ports.
    pub udp: ports::Ports,
    /// UDP-Lite ports.
    pub udp_lite: ports::Ports,
    /// Abstract names of Unix sockets.
    pub unix: unix_names::Names,
    /// Outgoing connections that are being made.
    pub dialling: outside::Dialling,
}

impl Net {
    /// A client connected: the guest's listener on the function's port gets it. When there is none yet it waits.
    pub fn connected(&self, connection: Connection, socket: HostHandle) {
        if boot_page().stamps[Stamp::Connected as usize] == 0 {
            crate::local::stamp(Stamp::Connected);
        }
        let port = kernel().launch.borrow().port;
        let listeners = port.map(|port| ports::find_any(ports::Protocol::Tcp, port)).unwrap_or_default();
        let chosen = listeners.get(connection.id as usize % listeners.len().max(1));
        let refused = match chosen.and_then(|listener| listener.as_any().downcast_ref::<TcpSocket>()) {
            Some(listener) => listener.connected(connection, socket),
            None => Err(socket),
        };
        if let Err(socket) = refused {
            kernel().control.early.borrow_mut().push_back((connection, socket));
        }
    }

    /// The thread that the first connection from outside would wake.
    pub fn first_acceptor(&self) -> Option<crate::task::Tid> {
        /// As the monitor numbers them.
        const FIRST_CONNECTION: usize = 1;
        let listeners = ports::find_any(ports::Protocol::Tcp, kernel().launch.borrow().port?);
        let listener = listeners.get(FIRST_CONNECTION % listeners.len().max(1))?;
        listener.queue()?.first_waiter()
    }

    /// Whether the guest listens on the port that is fed from outside.
    pub fn is_fed_from_outside(&self) -> bool {
        let port = kernel().launch.borrow().port;
        port.is_some_and(|port| !ports::find_any(ports::Protocol::Tcp, port).is_empty())
    }

    /// The guest listens on the port that is fed from outside: what came early goes there.
    fn listens(&self, listener: &TcpSocket) {
        for (connection, handle) in kernel().control.early.take() {
            if let Err(handle) = listener.connected(connection, handle) {
                host_stream::refuse(connection, &handle);
            }
        }
    }
}

/// Whether the file is the listener that is fed from outside.
pub fn is_outside(file: &OpenFile) -> bool {
    file.downcast::<TcpSocket>().is_some_and(TcpSocket::is_outside)
}

/// As [`is_outside`], or an epoll set that includes it.
pub fn leads_outside(file: &OpenFile) -> bool {
    is_outside(file) || file.downcast::<Epoll>().is_some_and(Epoll::includes_outside)
}

/// Whether the func-entry point is still looked for, so that waits have to say if they are on the listener.
pub fn entry_is_watched() -> bool {
    kernel().launch.borrow().announce_entry && !kernel().control.entry_announced.get()
}
