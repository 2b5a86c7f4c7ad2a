//! `/proc`.

pub mod magic;

use crate::fs::inode::Inode;
use alloc::rc::Rc;

/// Mounts `/proc` and `/sys`.
pub fn mount(root: &Rc<Inode>) {
    let _ = root;
}
