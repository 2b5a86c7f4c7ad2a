//! The path walk (`path_resolution(7)`).

use super::file::OpenFile;
use super::inode::{Caller, Content, Inode, MAY_EXEC};
use super::open;
use super::proc::magic::Target;
use crate::errno::{EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, Errno};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Longest name.
pub const NAME_MAX: usize = 255;
/// Most symbolic links on a way.
const MAX_LINKS: u32 = 40;

/// How a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// In a name.
    Name,
    /// In `.`, or it is `/`.
    Dot,
    /// In `..`.
    DotDot,
}

/// Whether a symbolic link at the end is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// To its target.
    Yes,
    /// The link itself is meant.
    No,
}

/// Where a path leads.
pub struct Found {
    /// The directory that holds the last name.
    pub parent: Rc<Inode>,
    /// The last name; empty unless `last` is [`Last::Name`].
    pub name: Vec<u8>,
    /// How the path ends.
    pub last: Last,
    /// What is there.
    pub inode: Option<Rc<Inode>>,
    /// The path ends in a slash.
    pub slash: bool,
    /// An open object that has no name in the tree (`/proc/self/fd/1` that is a pipe).
    pub special: Option<Rc<OpenFile>>,
}

impl Found {
    /// What is there.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn existing(&self) -> Result<Rc<Inode>, Errno> {
        self.inode.clone().ok_or(ENOENT)
    }
}

/// Walks paths for a caller.
pub struct Walker {
    /// Where `/` leads.
    pub root: Rc<Inode>,
    /// Who walks.
    pub caller: Caller,
}

impl Walker {
    /// Walks `path` from the directory `at`.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`.
    pub fn walk(&self, at: &Rc<Inode>, path: &[u8], follow: Follow) -> Result<Found, Errno> {
        if path.is_empty() {
            return Err(ENOENT);
        }
        let mut rest = path.to_vec();
        let mut links = 0;
        let mut current = at.clone();
        let mut position = 0;
        if rest.first() == Some(&b'/') {
            current = self.root.clone();
        }
        let mut last = Last::Dot;
        loop {
            while rest.get(position) == Some(&b'/') {
                position += 1;
            }
            if position >= rest.len() {
                return Ok(Found {
                    parent: current.clone(),
                    name: Vec::new(),
                    last,
                    inode: Some(current),
                    slash: true,
                    special: None,
                });
            }
            let end = rest[position..].iter().position(|byte| *byte == b'/').map_or(rest.len(), |len| position + len);
            let name = rest[position..end].to_vec();
            let slash = end < rest.len();
            let is_last = rest[end..].iter().all(|byte| *byte == b'/');
            position = end;
            if !current.is_directory() {
                return Err(ENOTDIR);
            }
            current.check_access(&self.caller, MAY_EXEC)?;
            match name.as_slice() {
                b"." => {
                    last = Last::Dot;
                    continue;
                }
                b".." => {
                    last = Last::DotDot;
                    if !Rc::ptr_eq(&current, &self.root) {
                        current = current.parent().ok_or(ENOENT)?;
                    }
                    continue;
                }
                _ => last = Last::Name,
            }
            if name.len() > NAME_MAX {
                return Err(ENAMETOOLONG);
            }
            let child = current.lookup(&name)?;
            let must_follow = !is_last || slash || follow == Follow::Yes;
            if let Some(link) = child.as_ref().filter(|child| child.is_link() && must_follow) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(ELOOP);
                }
                match &link.content {
                    Content::Symlink(target) => {
                        if target.is_empty() {
                            return Err(ENOENT);
                        }
                        if target.first() == Some(&b'/') {
                            current = self.root.clone();
                        }
                        let mut spliced = target.clone();
                        spliced.extend_from_slice(&rest[position..]);
                        rest = spliced;
                        position = 0;
                        last = Last::Dot;
                        continue;
                    }
                    Content::Magic(magic) => {
                        let found = |parent: Rc<Inode>, inode, special| Found {
                            parent,
                            name: name.clone(),
                            last,
                            inode,
                            slash,
                            special,
                        };
                        let target = match magic.target().ok_or(ENOENT)? {
                            Target::Inode(inode) => inode,
                            Target::Path(path) => {
                                current = self.root.clone();
                                let mut spliced = path;
                                spliced.extend_from_slice(&rest[position..]);
                                rest = spliced;
                                position = 0;
                                continue;
                            }
                            Target::File(file) => match open::opened(&file.object) {
                                Some(opened) => opened.inode.clone(),
                                None if is_last && !slash => return Ok(found(current, Some(link.clone()), Some(file))),
                                None => return Err(ENOTDIR),
                            },
                        };
                        if is_last && !target.is_directory() {
                            return if slash { Err(ENOTDIR) } else { Ok(found(current, Some(target), None)) };
                        }
                        current = target;
                        last = Last::Dot;
                        continue;
                    }
                    _ => return Err(EACCES),
                }
            }
            if is_last {
                if slash && child.as_ref().is_some_and(|child| !child.is_directory()) {
                    return Err(ENOTDIR);
                }
                return Ok(Found { parent: current, name, last, inode: child, slash, special: None });
            }
            current = child.ok_or(ENOENT)?;
        }
    }
}
