//! Messages between a sandbox and the file server, over a `SOCK_SEQPACKET` socket: one request, one
//! reply, in order. The file server is read-only, follows no symbolic link (the guest kernel walks
//! them itself), and opens regular files only.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Longest request, bytes: a path of `PATH_MAX` and its frame.
pub const MAX_REQUEST: usize = 4096 + 64;
/// Longest reply, bytes.
pub const MAX_REPLY: usize = 60 << 10;

/// Sandbox to file server. Paths are relative to the root, without leading slash, `.` or `..`; the
/// root itself is the empty path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileRequest {
    /// Attributes of a path whose last component may be a symbolic link.
    Lookup {
        /// Which root.
        root: u16,
        /// The path.
        path: Vec<u8>,
    },
    /// Names in a directory, from the `start`-th on.
    List {
        /// Which root.
        root: u16,
        /// The directory.
        path: Vec<u8>,
        /// Names to leave out at the beginning, in the server's order (which is by name).
        start: u32,
    },
    /// Open a regular file for reading. Answered with its descriptor.
    Open {
        /// Which root.
        root: u16,
        /// The file.
        path: Vec<u8>,
    },
}

/// File server to sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileReply {
    /// To `Lookup`.
    Attributes {
        /// What was found.
        attributes: Attributes,
        /// The target, when it is a symbolic link.
        target: Vec<u8>,
    },
    /// To `List`.
    Names {
        /// The names that fit.
        names: Vec<Name>,
        /// More follow.
        more: bool,
    },
    /// To `Open`; the descriptor comes along.
    Opened(Attributes),
    /// A Linux errno.
    Error(i32),
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The name.
    pub name: Vec<u8>,
    /// Inode number.
    pub inode: u64,
    /// File type, the `S_IFMT` bits of `st_mode`.
    pub file_type: u32,
}

/// What the host says of a file. Device and inode are the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// `st_ino`.
    pub inode: u64,
    /// `st_mode`.
    pub mode: u32,
    /// `st_nlink`.
    pub links: u32,
    /// `st_uid`, as the guest shall see it.
    pub uid: u32,
    /// `st_gid`.
    pub gid: u32,
    /// `st_size`, bytes.
    pub size: u64,
    /// `st_blocks`, 512-byte units.
    pub blocks: u64,
    /// Access time, ns since the epoch.
    pub accessed_ns: i64,
    /// Modification time, ns since the epoch.
    pub modified_ns: i64,
    /// Status change time, ns since the epoch.
    pub changed_ns: i64,
}
