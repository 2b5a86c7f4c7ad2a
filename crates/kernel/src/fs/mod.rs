//! Files: the objects behind descriptors, and the file system.

pub mod descriptors;
pub mod file;

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
