//! The fast entry's sites.

use super::AddressSpace;
use crate::host::GuestRange;

/// When `rip` is inside a stub of the fast entry: the site that jumped there.
pub fn site_of_stub(_rip: u64) -> Option<u64> {
    None
}

/// A range is about to be mapped anew or unmapped: its sites are gone.
pub fn unmapped(_space: &AddressSpace, _range: GuestRange) {}

/// The protection of a range is about to change.
pub fn reprotected(_space: &AddressSpace, _range: GuestRange, _protection: u32) {}
