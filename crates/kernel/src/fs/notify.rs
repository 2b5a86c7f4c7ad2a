//! Who is told of what happens to inodes: the watches of `inotify(7)`.
//!
//! A watch belongs to an instance ([`crate::events::inotify`]) and is known to its inode; neither keeps the other
//! alive, so an inode that loses its last name and its last user reports its own end when it is dropped.

use super::inode::{Inode, Place};
use crate::events::inotify::Inotify;
use crate::kernel;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use bitflags::bitflags;
use core::cell::Cell;

bitflags! {
    /// `IN_*` of `inotify(7)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Happened: u32 {
        /// `IN_ACCESS`.
        const ACCESS = 0x001;
        /// `IN_MODIFY`.
        const MODIFY = 0x002;
        /// `IN_ATTRIB`.
        const ATTRIB = 0x004;
        /// `IN_CLOSE_WRITE`.
        const CLOSE_WRITE = 0x008;
        /// `IN_CLOSE_NOWRITE`.
        const CLOSE_NOWRITE = 0x010;
        /// `IN_OPEN`.
        const OPEN = 0x020;
        /// `IN_MOVED_FROM`.
        const MOVED_FROM = 0x040;
        /// `IN_MOVED_TO`.
        const MOVED_TO = 0x080;
        /// `IN_CREATE`.
        const CREATE = 0x100;
        /// `IN_DELETE`.
        const DELETE = 0x200;
        /// `IN_DELETE_SELF`.
        const DELETE_SELF = 0x400;
        /// `IN_MOVE_SELF`.
        const MOVE_SELF = 0x800;
        /// `IN_UNMOUNT`.
        const UNMOUNT = 0x2000;
        /// `IN_Q_OVERFLOW`.
        const OVERFLOW = 0x4000;
        /// `IN_IGNORED`.
        const IGNORED = 0x8000;
        /// `IN_ONLYDIR`.
        const ONLY_DIRECTORY = 0x0100_0000;
        /// `IN_DONT_FOLLOW`.
        const DONT_FOLLOW = 0x0200_0000;
        /// `IN_EXCL_UNLINK`.
        const EXCLUDE_UNLINKED = 0x0400_0000;
        /// `IN_MASK_CREATE`.
        const MASK_CREATE = 0x1000_0000;
        /// `IN_MASK_ADD`.
        const MASK_ADD = 0x2000_0000;
        /// `IN_ISDIR`.
        const IS_DIRECTORY = 0x4000_0000;
        /// `IN_ONESHOT`.
        const ONE_SHOT = 0x8000_0000;
    }
}

impl Happened {
    /// `IN_ALL_EVENTS`.
    pub const EVENTS: Self = Self::from_bits_truncate(0xfff);
}

/// A watch on an inode.
pub struct Watch {
    /// Its descriptor, which the instance gave out.
    pub number: i32,
    /// What it wants to know.
    pub wanted: Cell<Happened>,
    /// Whose it is.
    pub instance: Weak<Inotify>,
}

/// Numbers that events of one move share, and how many watches there are: nothing is looked for when there are none.
#[derive(Default)]
pub struct Notices {
    /// Watches of all instances.
    pub watches: Cell<u32>,
    /// Instances.
    pub instances: Cell<u32>,
    cookie: Cell<u32>,
}

impl Inode {
    /// Adds a watch.
    pub fn watch(&self, watch: &Rc<Watch>) {
        self.watches.borrow_mut().push(Rc::downgrade(watch));
    }

    /// Takes a watch away.
    pub fn unwatch(&self, watch: &Rc<Watch>) {
        self.watches.borrow_mut().retain(|other| !other.ptr_eq(&Rc::downgrade(watch)));
    }

    fn tell(&self, happened: Happened, cookie: u32, name: &[u8], unlinked: bool) {
        let watches: Vec<_> = self.watches.borrow().iter().filter_map(Weak::upgrade).collect();
        for watch in watches {
            let wanted = watch.wanted.get();
            if !wanted.intersects(happened & Happened::EVENTS)
                || unlinked && wanted.contains(Happened::EXCLUDE_UNLINKED)
            {
                continue;
            }
            let Some(instance) = watch.instance.upgrade() else { continue };
            instance.report(watch.number, happened, cookie, name);
            if wanted.contains(Happened::ONE_SHOT) {
                self.unwatch(&watch);
                instance.ignore(watch.number);
            }
        }
    }

    /// The inode is being dropped: reports its end when it has no name any more.
    pub(super) fn report_end(&self) {
        let watches: Vec<_> = self.watches.borrow().iter().filter_map(Weak::upgrade).collect();
        if self.meta().links > 0 {
            return;
        }
        for watch in watches {
            let Some(instance) = watch.instance.upgrade() else { continue };
            if watch.wanted.get().contains(Happened::DELETE_SELF) {
                instance.report(watch.number, Happened::DELETE_SELF, 0, b"");
            }
            instance.ignore(watch.number);
        }
    }
}

fn nobody_watches() -> bool {
    kernel().fs.notices.watches.get() == 0
}

fn with_kind(inode: &Inode, happened: Happened) -> Happened {
    if inode.is_directory() { happened | Happened::IS_DIRECTORY } else { happened }
}

/// Something happened to an inode that was found at a place: its directory is told, then it itself.
pub fn happened(inode: &Rc<Inode>, place: Option<&Place>, what: Happened) {
    if nobody_watches() {
        return;
    }
    let what = with_kind(inode, what);
    if let Some((parent, name)) = place.and_then(|place| Some((place.parent.as_ref()?, &place.name)))
        && !name.is_empty()
        && parent.is_directory()
    {
        parent.tell(what, 0, name, !parent.has_child(name, inode));
    }
    inode.tell(what, 0, b"", false);
}

/// Something happened to an inode itself, whatever its names.
pub fn happened_to(inode: &Rc<Inode>, what: Happened) {
    if !nobody_watches() {
        inode.tell(with_kind(inode, what), 0, b"", false);
    }
}

/// A name came into a directory or went.
pub fn name_changed(directory: &Rc<Inode>, name: &[u8], child: &Rc<Inode>, what: Happened) {
    if !nobody_watches() {
        directory.tell(with_kind(child, what), 0, name, false);
    }
}

/// A directory lost its name.
pub fn directory_removed(parent: &Rc<Inode>, name: &[u8]) {
    if !nobody_watches() {
        parent.tell(Happened::DELETE | Happened::IS_DIRECTORY, 0, name, false);
    }
}

/// An inode moved from one name to another, over `replaced`.
pub fn moved(from: (&Rc<Inode>, &[u8]), to: (&Rc<Inode>, &[u8]), child: &Rc<Inode>, replaced: Option<&Rc<Inode>>) {
    if nobody_watches() {
        return;
    }
    let notices = &kernel().fs.notices;
    // Bounded, so that it never looks like the upper half of an address.
    notices.cookie.set(notices.cookie.get() % 0x7000 + 1);
    let cookie = notices.cookie.get();
    from.0.tell(with_kind(child, Happened::MOVED_FROM), cookie, from.1, false);
    to.0.tell(with_kind(child, Happened::MOVED_TO), cookie, to.1, false);
    if let Some(replaced) = replaced.filter(|replaced| !replaced.is_directory()) {
        happened_to(replaced, Happened::ATTRIB);
    }
    child.tell(Happened::MOVE_SELF, 0, b"", false);
}
