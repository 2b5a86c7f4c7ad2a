//! System V shared memory (`shmop(2)`).
//!
//! A segment's content is a [`SharedObject`], and an attachment is a region that shows it: how often a segment is
//! attached is counted in the maps of all address spaces, as Linux counts its mappings, so `fork`, `execve`, `munmap`
//! and the end of a process need no books. A segment that was removed leaves its content to those mappings alone; with
//! the last of them it is gone.

use super::{Access, Owned, Owner, seconds};
use crate::errno::{EINVAL, Errno};
use crate::kernel;
use crate::mm::{AddressSpace, Region, RegionFlags, SharedObject, page_up};
use crate::task::Pid;
use crate::task::process::Credentials;
use abi::layout::PAGE_SIZE;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// `SHMMAX` and `SHMALL`: bytes of a segment, pages of all.
pub const MOST: u64 = u64::MAX - (1 << 24);
/// `SHMMNI`: segments.
pub const SEGMENTS: u64 = 4096;

/// `SHM_DEST` in a mode: destroyed at the last detach.
const MODE_REMOVED: u32 = 0o1000;
/// `SHM_LOCKED` in a mode.
const MODE_LOCKED: u32 = 0o2000;

enum Content {
    Kept(Rc<SharedObject>),
    /// It is only its mappings' any more.
    Removed(Weak<SharedObject>),
}

/// A shared memory segment.
pub struct Segment {
    owner: Owner,
    content: RefCell<Content>,
    /// Bytes, as they were asked for.
    size: u64,
    locked: Cell<bool>,
    creator: u32,
    last_user: Cell<u32>,
    attached_at: Cell<u64>,
    detached_at: Cell<u64>,
    changed_at: Cell<u64>,
}

impl Owned for Segment {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Segment {
    /// A segment of zeros.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(owner: Owner, size: u64, creator: Pid) -> Result<Self, Errno> {
        let object = SharedObject::new(page_up(size).ok_or(EINVAL)?)?;
        Ok(Self {
            owner,
            content: RefCell::new(Content::Kept(object)),
            size,
            locked: Cell::new(false),
            creator: creator.0,
            last_user: Cell::new(0),
            attached_at: Cell::new(0),
            detached_at: Cell::new(0),
            changed_at: Cell::new(seconds()),
        })
    }

    /// Bytes in it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Pages in it.
    pub fn pages(&self) -> u64 {
        self.size.div_ceil(PAGE_SIZE)
    }

    /// What it holds; none: it was removed and is attached nowhere.
    pub fn object(&self) -> Option<Rc<SharedObject>> {
        match &*self.content.borrow() {
            Content::Kept(object) => Some(object.clone()),
            Content::Removed(object) => object.upgrade(),
        }
    }

    fn shows(&self, object: &Rc<SharedObject>) -> bool {
        self.object().is_some_and(|own| Rc::ptr_eq(&own, object))
    }

    /// Whether the caller may do this.
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check(&self, caller: &Credentials, access: Access) -> Result<(), Errno> {
        self.owner.check(caller, access.bits())
    }

    /// `IPC_SET`.
    pub fn change(&self, uid: u32, gid: u32, mode: u32) {
        self.owner.change(uid, gid, mode);
        self.changed_at.set(seconds());
    }

    /// `SHM_LOCK` and `SHM_UNLOCK`: kept in the books only.
    pub fn lock(&self, locked: bool) {
        self.locked.set(locked);
    }

    /// `IPC_RMID`: nobody finds it by its key any more, and the last detachment destroys it.
    pub fn remove(&self) {
        let object = self.object();
        self.owner.forget_key();
        let before = self.content.replace(Content::Removed(object.as_ref().map(Rc::downgrade).unwrap_or_default()));
        drop((before, object));
    }

    fn is_removed(&self) -> bool {
        matches!(&*self.content.borrow(), Content::Removed(_))
    }

    /// A process attached it.
    fn attached(&self, pid: Pid) {
        self.attached_at.set(seconds());
        self.last_user.set(pid.0);
    }

    /// A process detached it.
    fn detached(&self, pid: Pid) {
        self.detached_at.set(seconds());
        self.last_user.set(pid.0);
    }

    /// How many mappings show it.
    pub fn attachments(&self) -> u64 {
        let Some(object) = self.object() else { return 0 };
        let mut spaces: BTreeMap<u64, Rc<AddressSpace>> = BTreeMap::new();
        for process in kernel().tasks.processes.borrow().values() {
            let space = process.space();
            spaces.insert(space.number, space);
        }
        spaces.values().map(|space| space.views_of(&object) as u64).sum()
    }

    fn mode(&self, mode: u32) -> u32 {
        let removed = if self.is_removed() { MODE_REMOVED } else { 0 };
        mode | removed | if self.locked.get() { MODE_LOCKED } else { 0 }
    }

    /// `struct shmid64_ds`.
    pub fn encode(&self, number: i32) -> Vec<u8> {
        const MODE_AT: usize = 20;
        let mut bytes = self.owner.encode(number);
        if let Some(mode) = bytes.get_mut(MODE_AT..MODE_AT + 4) {
            mode.copy_from_slice(&self.mode(self.owner.columns().1).to_ne_bytes());
        }
        let times = [self.attached_at.get(), self.detached_at.get(), self.changed_at.get()];
        for word in [self.size].into_iter().chain(times) {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        for pid in [self.creator, self.last_user.get()] {
            bytes.extend_from_slice(&kernel().tasks.shown(pid).to_ne_bytes());
        }
        bytes.extend_from_slice(&self.attachments().to_ne_bytes());
        bytes.resize(112, 0);
        bytes
    }

    fn line(&self, number: i32) -> String {
        let (key, mode, [uid, gid, creator, creator_group]) = self.owner.columns();
        let shown = |pid| kernel().tasks.shown(pid);
        format!(
            "{key:10} {number:10}  {:4o} {:21} {:5} {:5}  {:5} {uid:5} {gid:5} {creator:5} {creator_group:5} {:10} {:10} \
             {:10} {:21} {:21}\n",
            self.mode(mode),
            self.size,
            shown(self.creator),
            shown(self.last_user.get()),
            self.attachments(),
            self.attached_at.get(),
            self.detached_at.get(),
            self.changed_at.get(),
            self.resident() * PAGE_SIZE,
            0,
        )
    }

    /// Pages that were touched.
    pub fn resident(&self) -> u64 {
        self.object().map_or(0, |object| object.resident())
    }
}

/// Forgets segments that were removed and are attached nowhere any more.
pub fn tidy() {
    let segments = &kernel().ipc.segments;
    for (number, _) in segments.all().into_iter().filter(|(_, segment)| segment.object().is_none()) {
        segments.remove(number);
    }
}

/// The segment that a mapping shows, and its number.
pub fn of_object(object: &Rc<SharedObject>) -> Option<(i32, Rc<Segment>)> {
    kernel().ipc.segments.all().into_iter().find(|(_, segment)| segment.shows(object))
}

/// How a mapping of a segment is called in `/proc/self/maps`, and the inode there.
pub fn map_name(object: &Rc<SharedObject>) -> Option<(String, u64)> {
    let (number, segment) = of_object(object)?;
    Some((format!("/SYSV{:08x} (deleted)", segment.owner.columns().0), u64::from(number.cast_unsigned())))
}

fn note(regions: &[Region], note: impl Fn(&Segment)) {
    let attached = regions.iter().filter(|region| region.flags.contains(RegionFlags::ATTACHED));
    for (object, ..) in attached.filter_map(|region| region.backing.object()) {
        if let Some((_, segment)) = of_object(object) {
            note(&segment);
        }
    }
}

/// Regions came into a process (`shmat(2)`, `fork(2)`).
pub fn note_attached(regions: &[Region], pid: Pid) {
    note(regions, |segment| segment.attached(pid));
}

/// Regions are about to leave a process, or have left it.
pub fn note_detached(regions: &[Region], pid: Pid) {
    note(regions, |segment| segment.detached(pid));
}

/// `/proc/sysvipc/shm`.
pub fn listing() -> Vec<u8> {
    tidy();
    let mut text = String::from(
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n",
    );
    text.extend(kernel().ipc.segments.all().iter().map(|(number, segment)| segment.line(*number)));
    text.into_bytes()
}
