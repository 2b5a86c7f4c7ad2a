//! What a scratch boot is told: the program, its surroundings and its limits.
//!
//! Travels as one encoded [`Launch`] in a memfd handed over with
//! [`crate::control::ToSandbox::Scratch`].

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A program to start and everything around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The program: a path with a slash, or a name looked up in `PATH` of `env`.
    pub program: Vec<u8>,
    /// Arguments, `argv[0]` first.
    pub args: Vec<Vec<u8>>,
    /// Environment, `KEY=value`.
    pub env: Vec<Vec<u8>>,
    /// Working directory; made in the upper layer when missing.
    pub workdir: Vec<u8>,
    /// Guest user.
    pub uid: u32,
    /// Guest group.
    pub gid: u32,
    /// Host name the guest sees.
    pub hostname: Vec<u8>,
    /// What the lower layer consists of.
    pub mounts: Vec<Mount>,
    /// Memory limit, bytes; 0: none.
    pub memory: u64,
    /// CPUs the guest sees, in thousandths; at least 1.
    pub cpus_milli: u32,
    /// Most threads and processes; 0: none.
    pub pids: u32,
    /// What the descriptors 0, 1, 2 are.
    pub stdio: [Stdio; 3],
    /// The standard streams are one terminal of the guest's own, of this many rows and columns; what is handed in is the
    /// other side of it (`run -t`).
    pub terminal: Option<[u16; 2]>,
    /// Port whose listener gets the connections from outside, and where a thread waits at the func-entry point.
    pub port: Option<u16>,
    /// Announce the func-entry point ([`crate::control::FromSandbox::AtEntry`]).
    pub announce_entry: bool,
    /// Freeze at this system call, counted from 1 over all threads (`run --image-at`).
    pub freeze_at: Option<u64>,
    /// Print system calls to the trace stream.
    pub strace: bool,
    /// Count system calls and report them ([`crate::control::FromSandbox::Counts`]).
    pub syscall_stats: bool,
    /// Where the program may connect to, at most [`MAX_TARGETS`]; the monitor dials.
    pub allow_connect: Vec<Target>,
    /// Number of this instance's generation.
    pub generation: u64,
}

/// Where the program may connect to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// A name, or an address as text.
    pub host: Vec<u8>,
    /// Its TCP port.
    pub port: u16,
}

/// Most of them.
pub const MAX_TARGETS: usize = 1024;

/// A part of the lower layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path in the guest.
    pub target: Vec<u8>,
    /// What is there.
    pub source: MountSource,
}

/// What a [`Mount`] shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountSource {
    /// A root of the file server (see [`crate::files::FileRequest`]), a directory or a regular file.
    Root(u16),
    /// A symbolic link with this target.
    Symlink(Vec<u8>),
}

/// What a standard stream is; its descriptor comes with the launch unless it is [`Stdio::Log`] or [`Stdio::Null`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdio {
    /// Nothing: reads end, writes vanish.
    #[default]
    Null,
    /// Written bytes go to the monitor ([`crate::control::FromSandbox::Log`]).
    Log,
    /// A host descriptor that is a terminal.
    Terminal,
    /// A host descriptor that is a pipe or socket.
    Pipe,
    /// A host descriptor that is a regular file or anything that never blocks.
    File,
}

impl Stdio {
    /// Whether a host descriptor comes with it.
    pub const fn has_descriptor(self) -> bool {
        matches!(self, Self::Terminal | Self::Pipe | Self::File)
    }
}
