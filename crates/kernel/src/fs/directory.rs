//! Directories: names in memory, over what the lower layer has.
//!
//! A name that was looked up below is entered for good, present or missing; after a listing all names of
//! below are known. So removing a name and hiding one of below are the same thing: it is entered as missing.

use super::inode::{Content, Inode};
use super::lower::{self, LowerPath};
use crate::errno::{EACCES, EEXIST, ENOENT, ENOTDIR, Errno};
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// What is known of a name.
#[derive(Clone)]
enum Entry {
    Node(Rc<Inode>),
    /// Listed below, not yet looked up.
    Listed {
        inode: u64,
        file_type: u32,
    },
    /// Not there (or removed), or refused by the file server.
    Missing(Errno),
}

/// A directory of the tree.
#[derive(Default)]
pub struct Directory {
    lower: Option<LowerPath>,
    entries: RefCell<BTreeMap<Vec<u8>, Entry>>,
    listed: Cell<bool>,
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: Vec<u8>,
    /// Inode number.
    pub inode: u64,
    /// `S_IFMT` bits.
    pub file_type: u32,
}

impl Directory {
    /// A directory over one of the lower layer.
    pub fn over(lower: LowerPath) -> Self {
        Self { lower: Some(lower), ..Self::default() }
    }

    fn load(&self) -> Result<(), Errno> {
        let Some(lower) = self.lower.as_ref().filter(|_| !self.listed.get()) else { return Ok(()) };
        let names = lower::list(lower)?;
        let mut entries = self.entries.borrow_mut();
        for name in names {
            let listed = Entry::Listed { inode: name.inode, file_type: name.file_type };
            entries.entry(name.name).or_insert(listed);
        }
        self.listed.set(true);
        Ok(())
    }

    fn lookup(&self, parent: &Rc<Inode>, name: &[u8]) -> Result<Option<Rc<Inode>>, Errno> {
        match self.entries.borrow().get(name) {
            Some(Entry::Node(inode)) => return Ok(Some(inode.clone())),
            Some(Entry::Missing(ENOENT)) => return Ok(None),
            Some(Entry::Missing(errno)) => return Err(*errno),
            Some(Entry::Listed { .. }) => {}
            None if self.lower.is_none() || self.listed.get() => return Ok(None),
            None => {}
        }
        let Some(lower) = &self.lower else { return Ok(None) };
        let entry = match lower::lookup(&lower.join(name)) {
            Ok(inode) => {
                inode.set_place(parent, name);
                Entry::Node(inode)
            }
            Err(errno @ (ENOENT | EACCES)) => Entry::Missing(errno),
            Err(errno) => return Err(errno),
        };
        self.entries.borrow_mut().insert(name.to_vec(), entry.clone());
        match entry {
            Entry::Node(inode) => Ok(Some(inode)),
            Entry::Missing(EACCES) => Err(EACCES),
            _ => Ok(None),
        }
    }

    /// All inodes that are known.
    pub fn nodes(&self) -> Vec<Rc<Inode>> {
        let entries = self.entries.borrow();
        entries
            .values()
            .filter_map(|entry| if let Entry::Node(inode) = entry { Some(inode.clone()) } else { None })
            .collect()
    }
}

impl Inode {
    /// What a name in this directory refers to.
    ///
    /// # Errors
    /// `ENOTDIR`, and what the file server says.
    pub fn lookup(self: &Rc<Self>, name: &[u8]) -> Result<Option<Rc<Self>>, Errno> {
        match &self.content {
            Content::Directory(directory) => directory.lookup(self, name),
            Content::Virtual(directory) => {
                let found = directory.lookup(name);
                if let Some(inode) = &found {
                    inode.set_place(self, name);
                }
                Ok(found)
            }
            _ => Err(ENOTDIR),
        }
    }

    /// Whether a name is known to refer to this inode. Asks nobody.
    pub fn has_child(self: &Rc<Self>, name: &[u8], child: &Rc<Self>) -> bool {
        match &self.content {
            Content::Directory(directory) => {
                matches!(directory.entries.borrow().get(name), Some(Entry::Node(inode)) if Rc::ptr_eq(inode, child))
            }
            _ => true,
        }
    }

    /// Whether a name is known not to be there (any more). Asks nobody.
    pub fn has_lost(&self, name: &[u8]) -> bool {
        match &self.content {
            Content::Directory(directory) => match directory.entries.borrow().get(name) {
                Some(Entry::Missing(_)) => true,
                Some(_) => false,
                None => directory.lower.is_none() || directory.listed.get(),
            },
            _ => false,
        }
    }

    /// Enters a new name.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT` when this directory was removed, and where names can't be made (as `/proc`).
    pub fn insert(self: &Rc<Self>, name: &[u8], child: &Rc<Self>) -> Result<(), Errno> {
        if self.lookup(name)?.is_some() {
            return Err(EEXIST);
        }
        let Content::Directory(directory) = &self.content else { return Err(ENOENT) };
        if self.meta().links == 0 {
            return Err(ENOENT);
        }
        directory.entries.borrow_mut().insert(name.to_vec(), Entry::Node(child.clone()));
        child.set_place(self, name);
        if child.is_directory() {
            self.change(|meta| meta.links += 1);
        }
        self.modified();
        Ok(())
    }

    /// Takes a name away; link counts of the inode are the caller's business.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES` where names can't be removed.
    pub fn remove(self: &Rc<Self>, name: &[u8]) -> Result<Rc<Self>, Errno> {
        let child = self.lookup(name)?.ok_or(ENOENT)?;
        let Content::Directory(directory) = &self.content else { return Err(EACCES) };
        if directory.lower.is_some() {
            directory.entries.borrow_mut().insert(name.to_vec(), Entry::Missing(ENOENT));
        } else {
            directory.entries.borrow_mut().remove(name);
        }
        if child.is_directory() {
            self.change(|meta| meta.links = meta.links.saturating_sub(1));
        }
        self.modified();
        Ok(child)
    }

    /// Puts an inode over whatever a name refers to: a mount.
    pub fn mount(self: &Rc<Self>, name: &[u8], child: &Rc<Self>) {
        if let Content::Directory(directory) = &self.content {
            let old = directory.entries.borrow_mut().insert(name.to_vec(), Entry::Node(child.clone()));
            child.set_place(self, name);
            if child.is_directory() && !matches!(old, Some(Entry::Node(_))) {
                self.change(|meta| meta.links += 1);
            }
        }
    }

    /// All names but `.` and `..`.
    ///
    /// # Errors
    /// `ENOTDIR`, and what the file server says.
    pub fn list(self: &Rc<Self>) -> Result<Vec<Listed>, Errno> {
        match &self.content {
            Content::Directory(directory) => {
                directory.load()?;
                let entries = directory.entries.borrow();
                let listed = entries.iter().filter_map(|(name, entry)| match entry {
                    Entry::Node(inode) => {
                        Some(Listed { name: name.clone(), inode: inode.meta().number, file_type: inode.file_type() })
                    }
                    Entry::Listed { inode, file_type } => {
                        Some(Listed { name: name.clone(), inode: *inode, file_type: *file_type })
                    }
                    Entry::Missing(_) => None,
                });
                Ok(listed.collect())
            }
            Content::Virtual(directory) => {
                let number = self.meta().number;
                let names = directory.list().into_iter();
                Ok(names.map(|(name, file_type)| Listed { name, inode: number, file_type }).collect())
            }
            _ => Err(ENOTDIR),
        }
    }
}
