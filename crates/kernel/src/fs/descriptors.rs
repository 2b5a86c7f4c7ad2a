//! The descriptor table of a process.

use super::file::{OpenFile, OpenFlags};
use crate::errno::{EBADF, EMFILE, Errno};
use crate::syscall::arguments::Fd;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// An entry: the open file, and whether `execve` closes it.
#[derive(Clone)]
pub struct Descriptor {
    /// What it refers to.
    pub file: Rc<OpenFile>,
    /// `FD_CLOEXEC`.
    pub close_on_exec: bool,
}

/// Descriptors by number; the lowest free number is given out.
pub struct DescriptorTable {
    entries: RefCell<Vec<Option<Descriptor>>>,
    limit: Cell<usize>,
}

impl Default for DescriptorTable {
    fn default() -> Self {
        Self { entries: RefCell::default(), limit: Cell::new(1024) }
    }
}

impl DescriptorTable {
    /// The open file of a descriptor.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get(&self, fd: Fd) -> Result<Rc<OpenFile>, Errno> {
        let entries = self.entries.borrow();
        let entry = usize::try_from(fd.0).ok().and_then(|index| entries.get(index)).and_then(Option::as_ref);
        entry.map(|entry| entry.file.clone()).ok_or(EBADF)
    }

    /// As [`Self::get`]; one that only names a file (`O_PATH`) is none.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get_open(&self, fd: Fd) -> Result<Rc<OpenFile>, Errno> {
        let file = self.get(fd)?;
        if file.flags.get().contains(OpenFlags::PATH) { Err(EBADF) } else { Ok(file) }
    }

    /// The whole entry.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn entry(&self, fd: Fd) -> Result<Descriptor, Errno> {
        let entries = self.entries.borrow();
        let entry = usize::try_from(fd.0).ok().and_then(|index| entries.get(index)).and_then(Option::as_ref);
        entry.cloned().ok_or(EBADF)
    }

    /// Sets `FD_CLOEXEC`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_close_on_exec(&self, fd: Fd, close_on_exec: bool) -> Result<(), Errno> {
        let mut entries = self.entries.borrow_mut();
        let entry = usize::try_from(fd.0).ok().and_then(|index| entries.get_mut(index)).and_then(Option::as_mut);
        entry.ok_or(EBADF)?.close_on_exec = close_on_exec;
        Ok(())
    }

    /// Gives out the lowest free number from `lowest` on.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn add_from(&self, lowest: usize, file: Rc<OpenFile>, close_on_exec: bool) -> Result<Fd, Errno> {
        let mut entries = self.entries.borrow_mut();
        let mut index = lowest;
        while entries.get(index).is_some_and(Option::is_some) {
            index += 1;
        }
        if index >= self.limit.get() {
            return Err(EMFILE);
        }
        if entries.len() <= index {
            entries.resize(index + 1, None);
        }
        entries[index] = Some(Descriptor { file, close_on_exec });
        Ok(Fd(index as i32))
    }

    /// Whether another descriptor may be opened: asked before anything is made.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn check_room(&self) -> Result<(), Errno> {
        let entries = self.entries.borrow();
        let free = entries.iter().position(Option::is_none).unwrap_or(entries.len());
        if free < self.limit.get() { Ok(()) } else { Err(EMFILE) }
    }

    /// Gives out the lowest free number.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn add(&self, file: Rc<OpenFile>, close_on_exec: bool) -> Result<Fd, Errno> {
        self.add_from(0, file, close_on_exec)
    }

    /// Puts a file at a number; answers what was there, which the caller closes (`dup2`).
    ///
    /// # Errors
    /// `EBADF` for a number beyond the limit.
    pub fn put(&self, fd: Fd, file: Rc<OpenFile>, close_on_exec: bool) -> Result<Option<Descriptor>, Errno> {
        let index = usize::try_from(fd.0).map_err(|_| EBADF)?;
        if index >= self.limit.get() {
            return Err(EBADF);
        }
        let mut entries = self.entries.borrow_mut();
        if entries.len() <= index {
            entries.resize(index + 1, None);
        }
        Ok(entries[index].replace(Descriptor { file, close_on_exec }))
    }

    /// Takes an entry out; dropping it closes.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn remove(&self, fd: Fd) -> Result<Descriptor, Errno> {
        let mut entries = self.entries.borrow_mut();
        let index = usize::try_from(fd.0).map_err(|_| EBADF)?;
        entries.get_mut(index).and_then(Option::take).ok_or(EBADF)
    }

    /// All entries in order.
    pub fn all(&self) -> Vec<(Fd, Descriptor)> {
        let entries = self.entries.borrow();
        entries.iter().enumerate().filter_map(|(fd, entry)| Some((Fd(fd as i32), entry.clone()?))).collect()
    }

    /// A table of its own with the same entries (`fork`).
    pub fn copy(&self) -> Rc<Self> {
        Rc::new(Self { entries: self.entries.clone(), limit: self.limit.clone() })
    }

    /// `RLIMIT_NOFILE`, the soft limit.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Sets `RLIMIT_NOFILE`, the soft limit.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }
}
