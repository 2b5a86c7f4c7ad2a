//! The guest's address space.

pub mod patch;

use crate::entry::Fault;

/// Memory that several mappings share.
pub struct SharedObject {}

/// A guest address space.
#[derive(Default)]
pub struct AddressSpace {}

impl AddressSpace {
    /// Looks at a fault of user code before it becomes a signal; `true`: go on.
    pub fn handle_fault(&self, _fault: &Fault) -> bool {
        false
    }
}
