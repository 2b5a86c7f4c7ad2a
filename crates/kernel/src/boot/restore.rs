//! Continuing from an image.

use crate::host::Descriptors;
use abi::control::Restore;

/// Becomes a sandbox that continues from an image.
pub fn boot(_restore: Restore, _descriptors: Descriptors) -> ! {
    crate::host::exit_group(121)
}
