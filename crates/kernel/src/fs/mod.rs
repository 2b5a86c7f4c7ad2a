//! Files: the objects behind descriptors, and the file system.
//!
//! ```text
//!  syscall::{paths, io, descriptors} ──▶ walk ──▶ inode ──▶ directory ──▶ lower ──▶ file server
//!            │                                     │  └───▶ data (pages over a lower file)
//!            ▼                                     └──────▶ device, proc
//!      OpenFile ──▶ dyn File: open::Opened, device::DeviceFile, streams::Stream, pipes, sockets…
//! ```
//!
//! The tree is made at a scratch boot ([`setup`]) and lives in the kernel heap, so it continues after a boot
//! from an image as it was.

pub mod data;
pub mod descriptors;
pub mod device;
pub mod directory;
pub mod fifo;
pub mod file;
pub mod generation;
pub mod inode;
pub mod locks;
pub mod lower;
pub mod notify;
pub mod open;
pub mod proc;
mod setup;
pub mod streams;
#[cfg(test)]
mod tests;
pub mod walk;

pub use open::open_for_exec;
pub use setup::setup;

use crate::kernel;
use crate::task::Process;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use inode::{Caller, Content, Inode};
use walk::Walker;

/// The file system.
#[derive(Default)]
pub struct Files {
    root: RefCell<Option<Rc<Inode>>>,
    inodes: Cell<u64>,
    pages: Cell<u64>,
    /// `/proc/sys/kernel/random/boot_id`, and the generation it belongs to.
    boot_id: RefCell<(u64, Vec<u8>)>,
    /// The standard streams as they were made at boot.
    pub streams: RefCell<Vec<Rc<streams::Stream>>>,
    /// What changes with each instance.
    pub generation: generation::Generation,
    /// Watches of `inotify(7)`.
    pub notices: notify::Notices,
    /// Files that are or were locked.
    pub locks: RefCell<Vec<Rc<locks::Locks>>>,
}

impl Files {
    /// The root directory.
    pub fn root(&self) -> Rc<Inode> {
        if let Some(root) = self.root.borrow().as_ref() {
            return root.clone();
        }
        let root = Inode::directory(0o755, 0, 0);
        self.set_root(&root);
        root
    }

    fn set_root(&self, root: &Rc<Inode>) {
        *self.root.borrow_mut() = Some(root.clone());
    }

    /// A number for a new inode.
    pub fn next_inode(&self) -> u64 {
        self.inodes.set(self.inodes.get() + 1);
        self.inodes.get()
    }
}

/// The lower files that the state depends on.
pub fn lower_files() -> Vec<abi::dump::LowerFile> {
    let mut files = Vec::new();
    let mut todo = alloc::vec![kernel().fs.root()];
    while let Some(inode) = todo.pop() {
        match &inode.content {
            Content::Regular(data) => files.extend(data.base().map(lower::LowerFile::dependency)),
            Content::Directory(directory) => todo.extend(directory.nodes()),
            _ => {}
        }
    }
    files
}

/// Working directory, root and umask of a process (`CLONE_FS` shares them).
pub struct FsContext {
    directory: RefCell<Option<Rc<Inode>>>,
    root: RefCell<Option<Rc<Inode>>>,
    /// `umask(2)`.
    pub umask: Cell<u32>,
}

impl Default for FsContext {
    fn default() -> Self {
        Self { directory: RefCell::default(), root: RefCell::default(), umask: Cell::new(0o022) }
    }
}

impl FsContext {
    /// A copy of its own, for a new process.
    pub fn copy(&self) -> Rc<Self> {
        Rc::new(Self { directory: self.directory.clone(), root: self.root.clone(), umask: self.umask.clone() })
    }

    /// The working directory.
    pub fn directory(&self) -> Rc<Inode> {
        self.directory.borrow().clone().unwrap_or_else(|| self.root())
    }

    /// The root directory.
    pub fn root(&self) -> Rc<Inode> {
        self.root.borrow().clone().unwrap_or_else(|| kernel().fs.root())
    }

    /// Changes the working directory.
    pub fn set_directory(&self, directory: Rc<Inode>) {
        *self.directory.borrow_mut() = Some(directory);
    }

    /// Changes the root directory (`chroot(2)`).
    pub fn set_root(&self, root: Rc<Inode>) {
        *self.root.borrow_mut() = Some(root);
    }
}

/// A walker for a process, and its working directory.
pub fn walker(process: &Rc<Process>) -> (Walker, Rc<Inode>) {
    let fs = process.fs();
    let caller = Caller::of(&process.credentials.borrow());
    (Walker::new(fs.root(), caller), fs.directory())
}
