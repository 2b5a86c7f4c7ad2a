//! The file server: a process that shows sandboxes the files under its roots, read-only.
//!
//! ```text
//!  monitor ──control: one client socket a datagram──▶ file server ──▶ roots (O_PATH, held open)
//!  sandbox ◀──client socket: request, reply (+ O_RDONLY descriptor)──┘
//! ```
//!
//! It holds no privileges, and it gives them up before it reads a byte from a client: it opens its
//! roots, drops identities and capabilities, then enters Landlock and a seccomp filter (`confine`).
//! One thread serves all clients (`server`); what they ask for is looked up under a root without
//! following a symbolic link, and only regular files are ever opened (`tree`). The monitor starts
//! one with [`spawn`] and hands each sandbox a connection ([`FileServer::connect`]).
//!
//! Invariants:
//! * Nothing but a regular file or a directory is opened, where opening means more than `O_PATH`: the
//!   type is read through an `O_PATH` descriptor, and what is then opened is that very inode.
//! * Nothing is opened for writing; the filter forbids it.
//! * No client can make another wait: sockets are never waited for, a client whose socket is full or
//!   whose bytes are not a request is dropped.

mod confine;
mod handle;
mod listing;
mod server;
mod tree;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

pub use handle::{FileServer, request, spawn};

/// What a server shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The roots, in the order in which requests number them.
    pub roots: Vec<Root>,
}

/// A directory, or a single regular file, that clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Where it is on the host; symbolic links in it are followed, once, at the start.
    pub path: PathBuf,
    /// Show only what every user of the host may read, whoever runs the server. Else what the caller
    /// may read.
    pub world_readable_only: bool,
}

/// Why a file server could not be started, reached or kept running.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A root can't be opened.
    #[error("cannot open the directory {}: {source}", path.display())]
    Root {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A root is on a file system whose files act on the kernel.
    #[error("{} is on a pseudo file system such as /proc or /sys, which is never shown to a sandbox", .0.display())]
    PseudoFileSystem(PathBuf),
    /// A root is neither a directory nor a regular file.
    #[error("{} is neither a directory nor a regular file", .0.display())]
    NotShowable(PathBuf),
    /// `/proc` is missing.
    #[error("cannot open /proc/self/fd, through which files are opened; mount /proc: {0}")]
    Procfs(io::Error),
    /// A step of the confinement failed.
    #[error("cannot confine the file server: {step}: {source}")]
    Confine {
        /// Which step.
        step: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The filter could not be installed.
    #[error("cannot confine the file server: seccomp: {0}")]
    Filter(String),
    /// More paths than one message carries.
    #[error("{0} bytes of file server configuration, more than {max}; use fewer mounts", max = MAX_CONFIG)]
    ConfigTooLong(usize),
    /// The first message was no configuration.
    #[error("the file server's first message is not a configuration")]
    BadConfig,
    /// The process could not be started.
    #[error("cannot start the file server: {0}")]
    Start(io::Error),
    /// The server said why it could not start.
    #[error("{0}")]
    Refused(String),
    /// The server ended, or never answered.
    #[error("the file server is gone")]
    Gone,
    /// A socket failed.
    #[error("file server socket: {0}")]
    Socket(io::Error),
}

/// Longest configuration message, bytes.
const MAX_CONFIG: usize = 128 << 10;

impl Config {
    fn encode(&self) -> Vec<u8> {
        let roots: Vec<(&[u8], bool)> =
            self.roots.iter().map(|root| (root.path.as_os_str().as_bytes(), root.world_readable_only)).collect();
        abi::encode(&roots)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let roots: Vec<(Vec<u8>, bool)> = abi::decode(bytes).map_err(|_| Error::BadConfig)?;
        let roots = roots.into_iter().map(|(path, world_readable_only)| Root {
            path: std::ffi::OsString::from_vec(path).into(),
            world_readable_only,
        });
        Ok(Self { roots: roots.collect() })
    }
}

/// The whole life of a file server process that [`spawn`] started: standard input is the control
/// socket; its first datagram is the configuration.
///
/// Closes every descriptor but the standard ones, and confines the process for good.
///
/// # Errors
/// When it can't start; whoever called [`spawn`] has been told already, so there is no need to print
/// it. It ends without error when the control socket closes.
pub fn main() -> Result<(), Error> {
    // A Ctrl-C in the terminal is for the program in the sandbox, which may go on after it.
    let _ = rustix::process::setsid();
    let control = handle::take_control()?;
    let config = handle::receive_config(&control)?;
    serve(&config, control)
}

/// Confines this process to `config` and serves until `control` closes.
///
/// Over `control`, a `SOCK_SEQPACKET` socket, first goes out whether the server is ready; then each
/// datagram that arrives brings the socket of one new client. The process must have a single thread.
///
/// # Errors
/// When a root can't be opened, the confinement fails, or `control` does.
pub fn serve(config: &Config, control: OwnedFd) -> Result<(), Error> {
    let ready = tree::Tree::open(config).and_then(|tree| Ok((confine::confine(&tree)?, tree)));
    match ready {
        Ok((max_clients, tree)) => {
            handle::report(&control, &Ok(()))?;
            server::Server::new(tree, max_clients, control)?.run()
        }
        Err(error) => {
            // The error is returned as well, so that nobody listening is no reason to fail otherwise.
            let _ = handle::report(&control, &Err(error.to_string()));
            Err(error)
        }
    }
}
