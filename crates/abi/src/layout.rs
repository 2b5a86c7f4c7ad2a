//! Where things lie in a sandbox's address space.
//!
//! ```text
//! 0x0000_0001_0000  GUEST_START   application: program, heap, mappings, stacks, guest vDSO
//! 0x7dff_0000_0000  GUEST_END
//! 0x7dff_ffff_0000  BOOT_PAGE
//! 0x7dff_ffff_8000  COMMON_PAGE: what the host processes of one sandbox share besides the heap
//! 0x7e00_0000_0000  KERNEL_BASE   guest kernel text and data (fixed, never in an image)
//! 0x7e10_0000_0000  STACKS        one slot per host thread: guard, kernel stack, per-thread data
//! 0x7e20_0000_0000  DUMP          what a frozen sandbox tells about itself
//! 0x7e30_0000_0000  SHARED        memory that several mappings of the guest share
//! 0x7e38_0000_0000  ARENA         the same, in memory that the monitor gave
//! 0x7e40_0000_0000  HEAPS         the kernel heap, at a base of its own in each boot
//! 0x7f00_0000_0000  KERNEL_END    above: host stack, host vDSO and vvar
//! ```

/// Size of a page in bytes.
pub const PAGE_SIZE: u64 = 4096;
/// Lowest address the application may map (`vm.mmap_min_addr`).
pub const GUEST_START: u64 = 0x1_0000;
/// First address the application may not map.
pub const GUEST_END: u64 = 0x7dff_0000_0000;
/// The guest's vDSO, at the same address in every instance.
pub const GUEST_VDSO: u64 = GUEST_END - 0x1_0000;
/// The [`crate::boot::BootPage`].
pub const BOOT_PAGE: u64 = 0x7dff_ffff_0000;
/// A page that all host processes of a sandbox share, once there are several.
pub const COMMON_PAGE: u64 = BOOT_PAGE + 0x8000;
/// Where the guest kernel is linked.
pub const KERNEL_BASE: u64 = 0x7e00_0000_0000;
/// Upper bound of the guest kernel's text and data, bytes from [`KERNEL_BASE`].
pub const KERNEL_SIZE: u64 = 64 << 20;
/// Slots of kernel stacks, [`STACK_SLOT`] bytes each.
pub const STACKS: u64 = 0x7e10_0000_0000;
/// One slot: a guard page, the kernel stack growing down, the per-thread page on top.
pub const STACK_SLOT: u64 = 128 << 10;
/// Where a frozen sandbox puts its [`crate::dump::Dump`].
pub const DUMP: u64 = 0x7e20_0000_0000;
/// Objects that several mappings of the guest share, up to [`HEAPS`].
pub const SHARED: u64 = 0x7e30_0000_0000;
/// The part of [`SHARED`] that lies in the memory of [`crate::control::ToSandbox::Memory`], up to [`HEAPS`].
pub const ARENA: u64 = 0x7e38_0000_0000;
/// Lowest base a kernel heap may have.
pub const HEAPS: u64 = 0x7e40_0000_0000;
/// Address space reserved for a kernel heap, bytes.
pub const HEAP_RESERVE: u64 = 2 << 30;
/// Alignment of heap bases, bytes.
pub const HEAP_ALIGN: u64 = 2 << 20;
/// Length of the memory of [`crate::control::ToSandbox::Memory`], bytes: the heap's reserve, whose last page is the
/// [`COMMON_PAGE`], then the [`ARENA`]. It is sparse.
pub const MEMORY_LEN: u64 = HEAP_RESERVE + (HEAPS - ARENA);
/// Where the [`COMMON_PAGE`] lies in it; no heap is longer than that.
pub const MEMORY_COMMON: u64 = HEAP_RESERVE - PAGE_SIZE;
/// Where the [`ARENA`] lies in it.
pub const MEMORY_ARENA: u64 = HEAP_RESERVE;
/// End of what the guest kernel maps.
pub const KERNEL_END: u64 = 0x7f00_0000_0000;
/// Host signal that interrupts a host thread of a sandbox (to deliver a guest signal, to freeze).
pub const KICK_SIGNAL: i32 = 34;
/// Descriptor number of the control socket in a sandbox's host process.
pub const CONTROL_FD: i32 = 3;
/// First descriptor number that is free for everything else.
pub const FIRST_FREE_FD: i32 = 4;

/// Lowest and highest place of a heap base within its 4 GiB: see [`heap_base`].
const BASE_LOW: u64 = 0x1000_0000;
const BASE_HIGH: u64 = 0x4000_0000;

/// A heap base from 64 random bits: aligned, within the heap window.
///
/// The low halves of heap addresses are never small numbers, nor close to 2^32: a small 32-bit field beside
/// padding that still holds the upper half of an old pointer must not look like a heap address to the scan.
pub const fn heap_base(random: u64) -> u64 {
    let windows = (KERNEL_END - HEAPS) >> 32;
    let places = (BASE_HIGH - BASE_LOW) / HEAP_ALIGN;
    HEAPS + ((random % windows) << 32) + BASE_LOW + (random / windows % places) * HEAP_ALIGN
}

const _: () = assert!(HEAPS & 0xffff_ffff == 0 && BASE_HIGH + HEAP_RESERVE <= 0xf000_0000);
