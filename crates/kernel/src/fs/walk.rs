//! The path walk (`path_resolution(7)`).

use super::file::OpenFile;
use super::inode::{Caller, Content, Inode, MAY_EXEC, Place};
use super::open;
use super::proc::magic::Target;
use crate::errno::{EACCES, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV, Errno};
use alloc::rc::Rc;
use alloc::vec::Vec;
use bitflags::bitflags;

/// Longest name.
pub const NAME_MAX: usize = 255;
/// Most symbolic links on a way.
const MAX_LINKS: u32 = 40;

/// How a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// In a name.
    Name,
    /// In `.`.
    Dot,
    /// In `..`.
    DotDot,
    /// It is `/` alone.
    Root,
}

/// What becomes of a symbolic link at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is followed to its target.
    Yes,
    /// So it is, and a slash at the end of it or of a target is refused: a file is made there.
    ToMake,
    /// The link itself is meant, unless a slash follows.
    No,
    /// The name itself is meant, whatever it is and whatever follows: it is made, removed or renamed.
    Never,
}

bitflags! {
    /// `RESOLVE_*` of `openat2(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Resolve: u32 {
        /// `RESOLVE_NO_XDEV`.
        const NO_XDEV = 0x01;
        /// `RESOLVE_NO_MAGICLINKS`.
        const NO_MAGICLINKS = 0x02;
        /// `RESOLVE_NO_SYMLINKS`.
        const NO_SYMLINKS = 0x04;
        /// `RESOLVE_BENEATH`.
        const BENEATH = 0x08;
        /// `RESOLVE_IN_ROOT`.
        const IN_ROOT = 0x10;
        /// `RESOLVE_CACHED`: everything is.
        const CACHED = 0x20;
    }
}

/// Where a path leads.
pub struct Found {
    /// The directory that holds the last name.
    pub parent: Rc<Inode>,
    /// The last name; empty unless `last` is [`Last::Name`], and where a link of `/proc` led.
    pub name: Vec<u8>,
    /// How the path ends.
    pub last: Last,
    /// What is there.
    pub inode: Option<Rc<Inode>>,
    /// The path ends in a slash.
    pub slash: bool,
    /// An open object that has no name in the tree (`/proc/self/fd/1` that is a pipe).
    pub special: Option<Rc<OpenFile>>,
    /// Where the open file was found that a link of `/proc` led to.
    pub place: Option<Place>,
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
    /// What it may not pass.
    pub resolve: Resolve,
}

/// A walk on its way.
struct Way {
    root: Rc<Inode>,
    current: Rc<Inode>,
    rest: Vec<u8>,
    position: usize,
    links: u32,
    last: Last,
    /// The path of the call began with a slash.
    absolute: bool,
}

impl Way {
    /// Goes on with the target of a link.
    fn splice(&mut self, target: &[u8]) {
        let mut spliced = target.to_vec();
        spliced.extend_from_slice(self.rest.get(self.position..).unwrap_or_default());
        self.rest = spliced;
        self.position = 0;
        self.last = Last::Dot;
    }
}

impl Walker {
    /// A walker without bounds.
    pub const fn new(root: Rc<Inode>, caller: Caller) -> Self {
        Self { root, caller, resolve: Resolve::empty() }
    }

    /// Walks `path` from the directory `at`.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`, `EXDEV`.
    pub fn walk(&self, at: &Rc<Inode>, path: &[u8], follow: Follow) -> Result<Found, Errno> {
        if path.is_empty() {
            return Err(ENOENT);
        }
        let scoped = self.resolve.intersects(Resolve::BENEATH | Resolve::IN_ROOT);
        let root = if scoped { at.clone() } else { self.root.clone() };
        let mut way = Way {
            root,
            current: at.clone(),
            rest: path.to_vec(),
            position: 0,
            links: 0,
            last: Last::Dot,
            absolute: path.first() == Some(&b'/'),
        };
        if path.first() == Some(&b'/') {
            // The path of the call itself may begin on another mount.
            if self.resolve.contains(Resolve::BENEATH) {
                return Err(EXDEV);
            }
            way.current = way.root.clone();
            way.last = Last::Root;
        }
        loop {
            while way.rest.get(way.position) == Some(&b'/') {
                way.position += 1;
            }
            if way.position >= way.rest.len() {
                let current = way.current;
                return Ok(Found {
                    parent: current.clone(),
                    name: Vec::new(),
                    last: way.last,
                    inode: Some(current),
                    slash: true,
                    special: None,
                    place: None,
                });
            }
            let rest = way.rest.get(way.position..).unwrap_or_default();
            let len = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let name = rest.get(..len).unwrap_or_default().to_vec();
            let slash = len < rest.len();
            let is_last = rest.get(len..).unwrap_or_default().iter().all(|byte| *byte == b'/');
            way.position += len;
            if !way.current.is_directory() {
                return Err(ENOTDIR);
            }
            way.current.check_access(&self.caller, MAY_EXEC)?;
            match name.as_slice() {
                b"." => {
                    way.last = Last::Dot;
                    continue;
                }
                b".." => {
                    way.last = Last::DotDot;
                    self.step_up(&mut way)?;
                    continue;
                }
                _ => way.last = Last::Name,
            }
            if is_last && slash && follow == Follow::ToMake {
                return Err(EISDIR);
            }
            if name.len() > NAME_MAX {
                return Err(ENAMETOOLONG);
            }
            let child = way.current.lookup(&name)?;
            let must_follow =
                !is_last || matches!(follow, Follow::Yes | Follow::ToMake) || slash && follow == Follow::No;
            if let Some(link) = child.as_ref().filter(|child| child.is_link() && must_follow) {
                way.links += 1;
                if way.links > MAX_LINKS || self.resolve.contains(Resolve::NO_SYMLINKS) {
                    return Err(ELOOP);
                }
                if let Some(special) = self.follow(&mut way, link)? {
                    if !is_last || slash {
                        return Err(ENOTDIR);
                    }
                    return Ok(Found { parent: way.current, name, last: way.last, slash, ..special });
                }
                continue;
            }
            self.check_crossing(&way.current, child.as_ref())?;
            if is_last {
                let wrong = slash && follow != Follow::Never;
                if wrong && child.as_ref().is_some_and(|child| !child.is_directory()) {
                    return Err(ENOTDIR);
                }
                return Ok(Found {
                    parent: way.current,
                    name,
                    last: way.last,
                    inode: child,
                    slash,
                    special: None,
                    place: None,
                });
            }
            way.current = child.ok_or(ENOENT)?;
        }
    }

    fn check_crossing(&self, from: &Rc<Inode>, to: Option<&Rc<Inode>>) -> Result<(), Errno> {
        let crosses = to.is_some_and(|to| to.mount_device() != from.mount_device());
        if crosses && self.resolve.contains(Resolve::NO_XDEV) { Err(EXDEV) } else { Ok(()) }
    }

    fn step_up(&self, way: &mut Way) -> Result<(), Errno> {
        if Rc::ptr_eq(&way.current, &way.root) {
            return if self.resolve.contains(Resolve::BENEATH) { Err(EXDEV) } else { Ok(()) };
        }
        // The tree's own root has nothing above it, even for who was shut out of a smaller one.
        if let Some(parent) = way.current.parent() {
            self.check_crossing(&way.current, Some(&parent))?;
            way.current = parent;
        }
        Ok(())
    }

    /// Follows a link: goes on with its target, or ends at what has no name.
    fn follow(&self, way: &mut Way, link: &Rc<Inode>) -> Result<Option<Found>, Errno> {
        let target = match &link.content {
            Content::Symlink(target) => Target::Path(target.clone()),
            Content::Magic(magic) => {
                if self.resolve.contains(Resolve::NO_MAGICLINKS) {
                    return Err(ELOOP);
                }
                let target = magic.target().ok_or(ENOENT)?;
                if self.resolve.intersects(Resolve::BENEATH | Resolve::IN_ROOT) {
                    return Err(EXDEV);
                }
                target
            }
            _ => return Err(EACCES),
        };
        let ends = |inode: Rc<Inode>, special| Found {
            parent: inode.clone(),
            name: Vec::new(),
            last: Last::Name,
            inode: Some(inode),
            slash: false,
            special,
            place: None,
        };
        let inode = match target {
            Target::Path(path) => {
                match path.first() {
                    None => return Err(ENOENT),
                    Some(b'/') => {
                        if self.resolve.contains(Resolve::BENEATH) {
                            return Err(EXDEV);
                        }
                        // Linux knows the root's mount only when the path itself began there.
                        if self.resolve.contains(Resolve::NO_XDEV) && !way.absolute {
                            return Err(EXDEV);
                        }
                        self.check_crossing(&way.current, Some(&way.root))?;
                        way.current = way.root.clone();
                    }
                    Some(_) => {}
                }
                way.splice(&path);
                return Ok(None);
            }
            Target::Inode(inode) => inode,
            Target::File(file) => match open::opened(&file.object) {
                Some(opened) if !opened.inode.is_directory() => {
                    self.check_crossing(&way.current, Some(&opened.inode))?;
                    let place = Some(opened.place.clone());
                    return Ok(Some(Found { place, ..ends(opened.inode.clone(), None) }));
                }
                Some(opened) => opened.inode.clone(),
                None => {
                    return Ok(Some(match file.object.inode() {
                        Some(inode) => ends(inode, None),
                        None => ends(link.clone(), Some(file)),
                    }));
                }
            },
        };
        self.check_crossing(&way.current, Some(&inode))?;
        way.current = inode;
        way.last = Last::Dot;
        Ok(None)
    }
}
