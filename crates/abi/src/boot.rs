//! The boot page: one page at [`crate::layout::BOOT_PAGE`] in every sandbox.
//!
//! It holds what a boot gives an instance and what must never travel in an image: addresses of this
//! host, clock offsets, the root of the kernel heap, and the stamps from which boots are measured.
//! The monitor reads it with `process_vm_readv` and believes none of it.

/// Number of stamps in a [`BootPage`].
pub const STAMPS: usize = 8;

/// A point on the boot path; the index into [`BootPage::stamps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Stamp {
    /// The request was read from the control socket by the parent (nursery, zygote or template).
    Received = 0,
    /// First instruction of this sandbox after its `clone`.
    Cloned = 1,
    /// All descriptors of the past are closed and privileges dropped.
    Dropped = 2,
    /// The image is mapped (scratch boot: the kernel heap is made).
    Mapped = 3,
    /// The kernel heap is relocated (scratch boot: the program is loaded).
    Relocated = 4,
    /// The connection is in the hands of the guest's listener.
    Connected = 5,
    /// The guest thread that takes the first connection returns to user code with it, from `accept` (a
    /// program without a port: first guest instruction). This is the end of the boot.
    Resumed = 6,
    /// The instance closed its first connection.
    Closed = 7,
}

/// See the module documentation. All integers little-endian, all times `CLOCK_MONOTONIC` of the host.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BootPage {
    /// [`BOOT_MAGIC`].
    pub magic: u64,
    /// Address of the kernel heap in this boot.
    pub heap_base: u64,
    /// Bytes of the heap that the image held; 0 in a scratch boot.
    pub heap_len: u64,
    /// Address of the one root object in the heap: the only pointer into it from outside.
    pub root: u64,
    /// Added to the host's `CLOCK_MONOTONIC` to get the guest's, ns.
    pub monotonic_offset_ns: i64,
    /// Added to the host's `CLOCK_REALTIME` to get the guest's, ns (0 today).
    pub realtime_offset_ns: i64,
    /// Address of `clock_gettime` in the host vDSO, or 0: use the hostcall.
    pub vdso_clock_gettime: u64,
    /// Host vDSO's range, for the signal entry.
    pub vdso_start: u64,
    /// End of the host vDSO.
    pub vdso_end: u64,
    /// Differs in each instance (`/dev/catalyzer/generation`).
    pub generation: u64,
    /// Size of a full XSAVE area on this host, bytes.
    pub xsave_size: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// Features that vector state is saved with: XCR0 without those that need a permission.
    pub xsave_features: u64,
    /// When each [`Stamp`] was passed, ns; 0: not passed.
    pub stamps: [u64; STAMPS],
    /// Hostcalls made since the clone, counted at each stamp.
    pub hostcalls: [u32; STAMPS],
    /// `mmap` family hostcalls among them, counted at each stamp.
    pub mappings: [u32; STAMPS],
}

/// Marks a valid boot page.
pub const BOOT_MAGIC: u64 = u64::from_le_bytes(*b"CATBOOT1");
