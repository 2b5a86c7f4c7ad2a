//! What a sandbox is handed: standard streams, a trace stream, clients.

use abi::control::Connection;
use abi::launch::Stdio;
use rustix::fs::FileType;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

/// Where a standard stream of the program comes from or goes to.
#[derive(Debug, Default)]
pub enum StdioSource {
    /// Nothing.
    #[default]
    Null,
    /// [`Event::Log`](crate::Event::Log).
    Log,
    /// This descriptor.
    Fd(OwnedFd),
}

impl StdioSource {
    pub(crate) fn kind(&self) -> Stdio {
        match self {
            Self::Null => Stdio::Null,
            Self::Log => Stdio::Log,
            Self::Fd(fd) if rustix::termios::isatty(fd) => Stdio::Terminal,
            Self::Fd(fd) => match rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
                Ok(FileType::Fifo | FileType::Socket) => Stdio::Pipe,
                _ => Stdio::File,
            },
        }
    }

    pub(crate) fn fd(&self) -> Option<&OwnedFd> {
        match self {
            Self::Null | Self::Log => None,
            Self::Fd(fd) => Some(fd),
        }
    }
}

/// For a scratch boot.
#[derive(Debug, Default)]
pub struct ScratchIo {
    /// Standard input, output, error.
    pub stdio: [StdioSource; 3],
    /// Where system calls are printed, when the launch says `strace`; without it they are log events.
    pub trace: Option<OwnedFd>,
    /// Announce the func-entry point.
    pub announce_entry: bool,
    /// Freeze at this system call.
    pub freeze_at: Option<u64>,
}

/// For a boot from an image.
#[derive(Debug, Default)]
pub struct InstanceIo {
    /// Standard streams; without them all three become log events.
    pub stdio: Option<[StdioSource; 3]>,
    /// Where system calls are printed.
    pub trace: Option<OwnedFd>,
    /// Freeze at this system call.
    pub freeze_at: Option<u64>,
    /// The program keeps its old number: one run that goes on, not an instance among others.
    pub keep_pid: bool,
}

/// A connected client.
#[derive(Debug)]
pub struct Client {
    /// Its socket.
    pub fd: OwnedFd,
    /// Its address.
    pub peer: SocketAddr,
}

impl Client {
    /// The first connection of an instance.
    pub(crate) const FIRST: u32 = 1;

    pub(crate) fn connection(&self, id: u32) -> Connection {
        let peer = match self.peer.ip().to_canonical() {
            IpAddr::V4(address) => address.octets(),
            IpAddr::V6(_) => [0; 4],
        };
        Connection { id, peer, peer_port: self.peer.port() }
    }
}
