//! What a frozen sandbox says about itself: the monitor reads it, checks it, reads the pages, and
//! writes the func-image.

use crate::files::Attributes;
use crate::image::Region;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Everything beside the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// For each address space the host process that holds it, by its number in the sandbox's pid namespace.
    pub spaces: Vec<u32>,
    /// Guest regions by address space and address, without the kernel heap.
    pub regions: Vec<Region>,
    /// Where the kernel heap lies.
    pub heap_base: u64,
    /// Its length, bytes, whole pages.
    pub heap_len: u64,
    /// Address of the root object in it.
    pub root: u64,
    /// Offsets (bytes from `heap_base`, multiples of 8, ascending) of the words that point into the heap.
    pub heap_pointers: Vec<u32>,
    /// Offsets of the words that point into the guest kernel's text or data.
    pub kernel_pointers: Vec<u32>,
    /// Guest threads.
    pub threads: Vec<ThreadDump>,
    /// Descriptors and connections.
    pub io: Vec<IoEntry>,
    /// Lower files whose names, attributes or content the state depends on.
    pub lower_files: Vec<LowerFile>,
    /// Guest `CLOCK_MONOTONIC` at the freeze, ns.
    pub monotonic_ns: u64,
    /// System calls made so far.
    pub syscalls: u64,
}

/// A guest thread at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadDump {
    /// Guest process.
    pub pid: u32,
    /// Guest thread.
    pub tid: u32,
    /// `prctl(PR_SET_NAME)`.
    pub name: String,
    /// User registers in the order of [`crate::image::Registers`].
    pub registers: crate::image::Registers,
    /// XSAVE area as in a signal frame, with `fpx_sw_bytes` and the trailing magic.
    pub vector: Vec<u8>,
    /// What it waits for, for people.
    pub waits_for: String,
}

/// A descriptor or connection, for people and for reconnecting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoEntry {
    /// Guest process.
    pub pid: u32,
    /// Descriptor; none: held by the kernel only (a mapped file).
    pub fd: Option<u32>,
    /// What it is, e.g. `lower file`, `pipe`, `epoll`, `listening socket`.
    pub kind: String,
    /// Path or address or number.
    pub name: String,
    /// State after a boot.
    pub state: IoState,
}

/// The three states of the paper's I/O table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoState {
    /// Works: it is memory of the sandbox, or is connected.
    Active,
    /// Gone.
    Closed,
    /// Will be reconnected on first use.
    NotReconnected,
}

/// A lower file that the image depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowerFile {
    /// Root of the file server.
    pub root: u16,
    /// Path in it.
    pub path: Vec<u8>,
    /// What it was.
    pub attributes: Attributes,
}
