//! Files: the objects behind descriptors, and the file system.

pub mod descriptors;
pub mod file;
pub mod streams;

use crate::errno::Errno;
use abi::launch::Launch;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// The mounted file systems and their caches.
#[derive(Default)]
pub struct Files {}

/// Working directory, root and umask of a process (`CLONE_FS` shares them).
#[derive(Default)]
pub struct FsContext {
    /// Absolute path of the working directory.
    pub working_directory: RefCell<Vec<u8>>,
    /// `umask(2)`.
    pub umask: Cell<u32>,
}

/// Builds the tree of a fresh sandbox; answers the program's surroundings.
///
/// # Errors
/// What the lower layer answers.
pub fn setup(_launch: &Launch) -> Result<Rc<FsContext>, Errno> {
    Ok(Rc::default())
}

/// The lower files that the state depends on.
pub fn lower_files() -> Vec<abi::dump::LowerFile> {
    Vec::new()
}
