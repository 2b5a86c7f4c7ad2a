//! The guest's memory map.
//!
//! An [`AddressSpace`] knows every region of the guest by address: how long it is, how it is protected, and
//! what is behind it ([`Backing`]). The host's mappings follow it one to one: each change is made at the
//! host first (always with `MAP_FIXED`, always below `GUEST_END`) and in the map when the host agreed.
//! Addresses are chosen here, never by the host, so that they are the same for every instance of an image.
//!
//! ```text
//! GUEST_START   program (not PIE)
//! 0x5555…       program (PIE), slot window of its text, brk heap
//!               …
//!               mappings, newest lowest         ◀ AddressSpace::top
//!               gap for the slot windows of the first mappings (patch)
//!               stack
//! GUEST_VDSO    vDSO
//! GUEST_END
//! ```
//!
//! * [`region`]: a region and its backing, splitting and merging.
//! * [`space`]: the map, mapping and unmapping.
//! * [`operations`]: `mprotect`, `mremap`, `madvise`, `brk`.
//! * [`shared`]: memory that several mappings, or mappings and `read(2)`, share.
//! * [`view`]: what mappings show of an object's content.
//! * [`vdso`]: the guest's vDSO. [`patch`]: the sites of the fast entry.
//!
//! A region holds on to its file; what is taken out of the map is dropped after the map's borrow has ended,
//! because the last reference to an open file runs code of the file system.

mod decode;
pub mod operations;
pub mod patch;
pub mod region;
pub mod shared;
pub mod space;
pub mod vdso;
pub mod view;

pub use region::{Backing, Region, RegionFlags, Sharing};
pub use shared::{SharedMemory, SharedObject};
pub use space::AddressSpace;

use abi::layout::PAGE_SIZE;

/// Rounds down to a page.
pub const fn page_down(address: u64) -> u64 {
    address & !(PAGE_SIZE - 1)
}

/// Rounds up to a page; none when that is beyond the address space.
pub const fn page_up(address: u64) -> Option<u64> {
    match address.checked_add(PAGE_SIZE - 1) {
        Some(sum) => Some(page_down(sum)),
        None => None,
    }
}
