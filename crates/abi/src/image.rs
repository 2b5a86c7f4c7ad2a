//! The func-image as it lies on disk. All integers little-endian; sections page-aligned.
//!
//! ```text
//! header | regions | threads | kernel heap | relations | I/O table | working set | function | memory
//! ```
//!
//! `threads` lies directly before `kernel heap` in the file and in memory, so that one mapping
//! brings both. The bytes between a section's end and the next page boundary are zero.

use serde::{Deserialize, Serialize};

/// First bytes of every func-image.
pub const MAGIC: [u8; 8] = *b"CATIMAGE";
/// Raised whenever anything in this module, or the meaning of the kernel heap, changes.
pub const VERSION: u32 = 2;
/// Number of sections.
pub const SECTIONS: usize = 8;
/// Bytes of the header section.
pub const HEADER_SIZE: u64 = 4096;

/// Index into [`Header::sections`], and the order of the sections in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum SectionKind {
    /// An array of [`Region`]s by address space and address.
    Regions = 0,
    /// The threads: encoded `Vec<`[`crate::dump::ThreadDump`]`>`.
    Threads = 1,
    /// The kernel heap as it lies.
    Heap = 2,
    /// `u32` offsets: first the words that point into the heap, then those into the kernel image.
    Relations = 3,
    /// The I/O table: encoded [`IoTable`].
    Io = 4,
    /// The working set: `u64` page addresses; may be empty.
    WorkingSet = 5,
    /// The `function.toml` the image was built from, absolute paths, as text.
    Function = 6,
    /// Pages of the regions, sparse.
    Memory = 7,
}

impl SectionKind {
    /// All kinds, in order.
    pub const ALL: [Self; SECTIONS] = [
        Self::Regions,
        Self::Threads,
        Self::Heap,
        Self::Relations,
        Self::Io,
        Self::WorkingSet,
        Self::Function,
        Self::Memory,
    ];

    /// The name used in errors and by `image inspect`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regions => "regions",
            Self::Threads => "threads",
            Self::Heap => "kernel heap",
            Self::Relations => "relation table",
            Self::Io => "I/O table",
            Self::WorkingSet => "working set",
            Self::Function => "function",
            Self::Memory => "memory",
        }
    }
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Section {
    /// Bytes from the start of the file; a multiple of the page size.
    pub offset: u64,
    /// Length in bytes, without padding.
    pub len: u64,
    /// BLAKE3 of those bytes. For `Memory`: of the content of all pages that are not zero, in order, then
    /// offset (from the section) and length of each run of them as `u64`, then the number of runs.
    pub digest: [u8; 32],
}

/// The first page of the file. What follows it up to [`HEADER_SIZE`] is zero.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// [`SECTIONS`].
    pub sections_len: u32,
    /// Length of the whole file, bytes.
    pub file_len: u64,
    /// BLAKE3 of the guest kernel binary that made the image.
    pub kernel_build: [u8; 32],
    /// BLAKE3 of the function's configuration.
    pub function_digest: [u8; 32],
    /// Processor features the image may rely on.
    pub cpu: CpuFeatures,
    /// Base of the kernel heap when it was dumped.
    pub heap_base: u64,
    /// Address of the root object at that base.
    pub root: u64,
    /// How many of the relations point into the heap (they come first).
    pub heap_pointers: u64,
    /// How many point into the guest kernel.
    pub kernel_pointers: u64,
    /// Guest `CLOCK_MONOTONIC` at the dump, ns.
    pub monotonic_ns: u64,
    /// See [`Section`].
    pub sections: [Section; SECTIONS],
    /// BLAKE3 of the header with this field zero.
    pub digest: [u8; 32],
}

/// Feature words of CPUID and XCR0; a host that lacks one of the bits can't run the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CpuFeatures {
    /// Leaf 1: ecx, edx; leaf 7.0: ebx, ecx, edx; leaf 7.1: eax; leaf 0x8000_0001: ecx, edx.
    pub words: [u32; 8],
    /// XCR0.
    pub xcr0: u64,
}

/// A mapped range of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// Length in bytes, whole pages.
    pub len: u64,
    /// Where its pages lie in the file, bytes from the start of the file; set by the writer.
    pub file_offset: u64,
    /// `PROT_*`.
    pub protection: u32,
    /// A [`RegionKind`] as number.
    pub kind: u32,
    /// Number of the address space it belongs to: 0 is mapped by a boot, each other one when a process of it has
    /// something to do.
    pub space: u32,
    /// Zero.
    pub reserved: u32,
}

/// How a [`Region`] comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u32)]
pub enum RegionKind {
    /// Private memory: mapped copy-on-write from the image.
    Private = 0,
    /// Reserved, no content: mapped anonymous (`PROT_NONE` reservations, untouched memory).
    Reserved = 1,
    /// Shared memory of the guest: mapped copy-on-write while one guest process maps it once.
    Shared = 2,
}

/// User registers of a thread at rest, `struct user_regs_struct` without segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Registers {
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub rdx: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rsp: u64,
    pub rip: u64,
    pub rflags: u64,
    /// FS base: the application's thread pointer.
    pub fs_base: u64,
    /// Number of the system call the thread is in, or -1: interrupted in user code.
    pub syscall: i64,
}

/// The I/O section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoTable {
    /// Every descriptor and connection.
    pub entries: alloc::vec::Vec<crate::dump::IoEntry>,
    /// Lower files the state depends on.
    pub lower_files: alloc::vec::Vec<crate::dump::LowerFile>,
    /// Indices into `entries` of those used right after boot (learned; may be empty).
    pub cache: alloc::vec::Vec<u32>,
}
