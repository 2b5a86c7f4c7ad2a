//! Links of `/proc` that lead to an object, not to a name.

use crate::fs::file::OpenFile;
use crate::fs::inode::{DELETED, Inode};
use crate::kernel;
use crate::syscall::arguments::Fd;
use crate::task::Pid;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Where a magic link leads.
pub enum Target {
    /// To an inode, whatever its name is.
    Inode(Rc<Inode>),
    /// To an open file.
    File(Rc<OpenFile>),
    /// To a name.
    Path(Vec<u8>),
}

/// A magic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MagicLink {
    /// `/proc/PID/fd/N`.
    Descriptor(Pid, Fd),
    /// `/proc/PID/exe`.
    Executable(Pid),
    /// `/proc/PID/cwd`.
    WorkingDirectory(Pid),
    /// `/proc/PID/root`.
    Root(Pid),
}

impl MagicLink {
    /// What it leads to; none when that is gone.
    pub fn target(&self) -> Option<Target> {
        let process = |pid: &Pid| kernel().tasks.processes.borrow().get(pid).cloned();
        match self {
            Self::Descriptor(pid, fd) => process(pid)?.descriptors().get(*fd).ok().map(Target::File),
            Self::Executable(pid) => Some(Target::Path(process(pid)?.executable.borrow().clone())),
            Self::WorkingDirectory(pid) => Some(Target::Inode(process(pid)?.fs().directory())),
            Self::Root(pid) => Some(Target::Inode(process(pid)?.fs().root())),
        }
    }

    /// What `readlink(2)` says.
    pub fn text(&self) -> Option<Vec<u8>> {
        match self.target()? {
            Target::Path(path) => Some(path),
            Target::File(file) => Some(file.object.name().into_bytes()),
            Target::Inode(inode) => {
                let root = kernel().fs.root();
                let mut path = inode.last_path_below(&root)?;
                if inode.is_removed() {
                    path.extend_from_slice(DELETED);
                }
                Some(path)
            }
        }
    }
}
