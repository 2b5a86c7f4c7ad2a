//! Inodes: what a name in the file system refers to.
//!
//! There is one tree, and all of it is memory. What comes from the lower layer is an inode like any other,
//! with an origin: a directory that asks the file server for names it has not seen yet, a regular file
//! whose pages are read from below until they are written. So a rename, a `chmod` or a write of something
//! from below changes the inode and nothing has to be copied up; a removed name stays as one that is missing.

use super::data::Data;
use super::directory::Directory;
use super::file::{File, Stat};
use super::notify::Watch;
use super::proc::magic::MagicLink;
use crate::errno::{EACCES, EPERM, Errno};
use crate::heap::guest_word::ByteBox;
use crate::kernel;
use crate::task::capability::{CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID};
use crate::task::process::Credentials;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// `S_IFMT`.
pub const S_IFMT: u32 = 0o170_000;
/// `S_IFDIR`.
pub const S_IFDIR: u32 = 0o040_000;
/// `S_IFREG`.
pub const S_IFREG: u32 = 0o100_000;
/// `S_IFLNK`.
pub const S_IFLNK: u32 = 0o120_000;
/// `S_IFIFO`.
pub const S_IFIFO: u32 = 0o010_000;
/// `S_IFSOCK`.
pub const S_IFSOCK: u32 = 0o140_000;
/// `S_IFCHR`.
pub const S_IFCHR: u32 = 0o020_000;
/// `S_ISVTX`.
pub const S_ISVTX: u32 = 0o1000;
/// `S_ISGID`.
pub const S_ISGID: u32 = 0o2000;
/// `S_ISUID`.
pub const S_ISUID: u32 = 0o4000;

/// `MAY_READ` of `access(2)`.
pub const MAY_READ: u32 = 4;
/// `MAY_WRITE` of `access(2)`.
pub const MAY_WRITE: u32 = 2;
/// `MAY_EXEC` of `access(2)`.
pub const MAY_EXEC: u32 = 1;

/// Number of the upper layer's device, as in `st_dev`.
pub const UPPER_DEVICE: u64 = 0x20;
/// Device numbers of the lower layer's roots begin here.
pub const LOWER_DEVICES: u64 = 0x100;
/// `/proc`.
pub const PROC_DEVICE: u64 = 0x21;
/// `/sys`.
pub const SYS_DEVICE: u64 = 0x22;
/// `/dev`.
pub const DEV_DEVICE: u64 = 0x23;
/// `/dev/shm`.
pub const SHM_DEVICE: u64 = 0x24;
/// What `memfd_create(2)` makes.
pub const MEMORY_DEVICE: u64 = 0x1;

/// Attributes of an inode that change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Inode number.
    pub number: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Names, and for directories subdirectories.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Of a device node: its number.
    pub rdev: u64,
    /// Access time, ns.
    pub accessed_ns: i64,
    /// Modification time, ns.
    pub modified_ns: i64,
    /// Status change time, ns.
    pub changed_ns: i64,
}

impl Meta {
    fn pack(self) -> [u64; 7] {
        [
            self.number,
            u64::from(self.mode) | u64::from(self.links) << 32,
            u64::from(self.uid) | u64::from(self.gid) << 32,
            self.rdev,
            self.accessed_ns.cast_unsigned(),
            self.modified_ns.cast_unsigned(),
            self.changed_ns.cast_unsigned(),
        ]
    }

    fn unpack(words: [u64; 7]) -> Self {
        let [number, mode, owner, rdev, accessed, modified, changed] = words;
        Self {
            number,
            mode: mode as u32,
            links: (mode >> 32) as u32,
            uid: owner as u32,
            gid: (owner >> 32) as u32,
            rdev,
            accessed_ns: accessed.cast_signed(),
            modified_ns: modified.cast_signed(),
            changed_ns: changed.cast_signed(),
        }
    }
}

/// What an inode is.
pub enum Content {
    /// A regular file.
    Regular(Data),
    /// A directory.
    Directory(Directory),
    /// A symbolic link and its target.
    Symlink(Vec<u8>),
    /// A FIFO.
    Fifo(super::fifo::Fifo),
    /// A socket's name; the socket, while it is bound.
    Socket(RefCell<Option<Rc<dyn Any>>>),
    /// A device node.
    Device(super::device::Device),
    /// A file whose text is made when it is opened.
    Generated(Rc<dyn Generate>),
    /// A directory whose names are made when they are looked up.
    Virtual(Rc<dyn VirtualDirectory>),
    /// A link of `/proc` that leads to an object, not to a name.
    Magic(MagicLink),
}

/// Makes the text of a file in `/proc` or `/sys`.
pub trait Generate {
    /// The text now.
    ///
    /// # Errors
    /// `ESRCH` when what it tells of is gone.
    fn text(&self) -> Result<Vec<u8>, Errno>;
    /// Somebody wrote to it.
    ///
    /// # Errors
    /// `EACCES` unless it takes anything.
    fn write(&self, _bytes: &[u8]) -> Result<(), Errno> {
        Err(EACCES)
    }
}

/// Makes the names in a directory of `/proc`.
pub trait VirtualDirectory {
    /// What a name refers to.
    fn lookup(&self, name: &[u8]) -> Option<Rc<Inode>>;
    /// All names, with their types (`S_IFMT` bits).
    fn list(&self) -> Vec<(Vec<u8>, u32)>;
}

/// Who asks: the part of a process's credentials that files look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// File-system user.
    pub uid: u32,
    /// File-system group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Effective capabilities.
    pub capabilities: u64,
}

impl Default for Caller {
    /// The kernel itself, and root.
    fn default() -> Self {
        Self { uid: 0, gid: 0, groups: Vec::new(), capabilities: u64::MAX }
    }
}

impl Caller {
    /// With the file-system ids.
    pub fn of(credentials: &Credentials) -> Self {
        Self {
            uid: credentials.uid[3],
            gid: credentials.gid[3],
            groups: credentials.groups.clone(),
            capabilities: credentials.capabilities[0],
        }
    }

    /// With the real ids (`access(2)`): root has what it is permitted, others have nothing.
    pub fn real(credentials: &Credentials) -> Self {
        Self {
            uid: credentials.uid[0],
            gid: credentials.gid[0],
            groups: credentials.groups.clone(),
            capabilities: if credentials.uid[0] == 0 { credentials.capabilities[1] } else { 0 },
        }
    }

    /// Whether it has a capability (`CAP_*`).
    pub const fn can(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 != 0
    }

    /// Whether it belongs to a group.
    pub fn in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }
}

/// See the module documentation.
pub struct Inode {
    /// Device number.
    pub device: u64,
    /// What it is; the kind never changes.
    pub content: Content,
    // Guest-controlled numbers: in the byte arena.
    meta: RefCell<ByteBox<[u64; 7]>>,
    /// Extended attributes: names and values.
    pub attributes: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// Who is told of what happens to it ([`super::notify`]).
    pub(super) watches: RefCell<Vec<Weak<Watch>>>,
    /// `F_SET_RW_HINT`.
    pub write_hint: Cell<u8>,
    /// Made without a name, and may get one (`O_TMPFILE`).
    pub linkable: Cell<bool>,
    // Of a directory: where it hangs. A removed one keeps its way up, as in Linux; the way down is gone, so that is
    // no cycle.
    parent: RefCell<Option<Rc<Inode>>>,
    name: RefCell<Vec<u8>>,
}

impl Inode {
    /// An inode with these attributes.
    pub fn with_meta(device: u64, content: Content, meta: Meta) -> Rc<Self> {
        Rc::new(Self {
            device,
            content,
            meta: RefCell::new(ByteBox::new(meta.pack())),
            attributes: RefCell::default(),
            watches: RefCell::default(),
            write_hint: Cell::new(0),
            linkable: Cell::new(false),
            parent: RefCell::default(),
            name: RefCell::default(),
        })
    }

    /// A new inode of the upper layer, or of `/proc`, `/sys`, `/dev`.
    pub fn new(device: u64, content: Content, mode: u32, uid: u32, gid: u32) -> Rc<Self> {
        let now = crate::time::realtime_ns().cast_signed();
        let links = if mode & S_IFMT == S_IFDIR { 2 } else { 1 };
        let meta = Meta {
            number: kernel().fs.next_inode(),
            mode,
            links,
            uid,
            gid,
            rdev: 0,
            accessed_ns: now,
            modified_ns: now,
            changed_ns: now,
        };
        Self::with_meta(device, content, meta)
    }

    /// An empty directory of the upper layer.
    pub fn directory(mode: u32, uid: u32, gid: u32) -> Rc<Self> {
        Self::new(UPPER_DEVICE, Content::Directory(Directory::default()), S_IFDIR | mode, uid, gid)
    }

    /// The mount it belongs to, by its device: the upper layer and all lower ones are one overlay.
    pub const fn mount_device(&self) -> u64 {
        match self.device {
            PROC_DEVICE | SYS_DEVICE | DEV_DEVICE | SHM_DEVICE | MEMORY_DEVICE => self.device,
            _ => UPPER_DEVICE,
        }
    }

    /// The number of its mount in `/proc/self/mountinfo`.
    pub const fn mount_id(&self) -> u64 {
        match self.mount_device() {
            PROC_DEVICE => 2,
            DEV_DEVICE => 3,
            SYS_DEVICE => 4,
            SHM_DEVICE => 6,
            _ => 1,
        }
    }

    /// Its attributes.
    pub fn meta(&self) -> Meta {
        Meta::unpack(self.meta.borrow().load())
    }

    /// Changes its attributes.
    pub fn change(&self, change: impl FnOnce(&mut Meta)) {
        let mut meta = self.meta();
        change(&mut meta);
        self.meta.borrow_mut().store(meta.pack());
    }

    /// Notes a change of the content.
    pub fn modified(&self) {
        let now = crate::time::realtime_ns().cast_signed();
        self.change(|meta| {
            meta.modified_ns = now;
            meta.changed_ns = now;
        });
    }

    /// Notes a change of the attributes.
    pub fn changed(&self) {
        let now = crate::time::realtime_ns().cast_signed();
        self.change(|meta| meta.changed_ns = now);
    }

    /// `S_IFMT` bits.
    pub fn file_type(&self) -> u32 {
        self.meta().mode & S_IFMT
    }

    /// Whether it is a directory, of whatever kind.
    pub const fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory(_) | Content::Virtual(_))
    }

    /// Whether following it leads elsewhere.
    pub const fn is_link(&self) -> bool {
        matches!(self.content, Content::Symlink(_) | Content::Magic(_))
    }

    /// Content of a regular file.
    pub const fn data(&self) -> Option<&Data> {
        match &self.content {
            Content::Regular(data) => Some(data),
            _ => None,
        }
    }

    /// Length as `stat(2)` tells it.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Regular(data) => data.size(),
            Content::Symlink(target) => target.len() as u64,
            Content::Directory(_) => 4096,
            _ => 0,
        }
    }

    /// `stat(2)`.
    pub fn stat(&self) -> Stat {
        let meta = self.meta();
        let size = self.size();
        Stat {
            device: self.device,
            inode: meta.number,
            mode: meta.mode,
            links: meta.links,
            uid: meta.uid,
            gid: meta.gid,
            rdev: meta.rdev,
            size,
            blocks: self.data().map_or(0, Data::blocks),
            block_size: 4096,
            accessed_ns: meta.accessed_ns,
            modified_ns: meta.modified_ns,
            changed_ns: meta.changed_ns,
        }
    }

    /// Whether the caller may do all of `wanted` (`MAY_*`).
    ///
    /// # Errors
    /// `EACCES`.
    pub fn check_access(&self, caller: &Caller, wanted: u32) -> Result<(), Errno> {
        let meta = self.meta();
        let granted = if caller.uid == meta.uid {
            meta.mode >> 6
        } else if caller.in_group(meta.gid) {
            meta.mode >> 3
        } else {
            meta.mode
        };
        if wanted & !granted & 7 == 0 {
            return Ok(());
        }
        let only_looks = if self.is_directory() { wanted & MAY_WRITE == 0 } else { wanted & 7 == MAY_READ };
        let may_override = self.is_directory() || wanted & MAY_EXEC == 0 || meta.mode & 0o111 != 0;
        let capable = only_looks && caller.can(CAP_DAC_READ_SEARCH) || may_override && caller.can(CAP_DAC_OVERRIDE);
        if capable { Ok(()) } else { Err(EACCES) }
    }

    /// `EPERM` unless the caller owns it.
    ///
    /// # Errors
    /// `EPERM`.
    pub fn check_owner(&self, caller: &Caller) -> Result<(), Errno> {
        if caller.uid == self.meta().uid || caller.can(CAP_FOWNER) { Ok(()) } else { Err(EPERM) }
    }

    /// Its mode without what gives another identity: the set-user-id bit, and the set-group-id bit unless it only marks
    /// mandatory locking for the group's members.
    pub fn mode_without_identity(&self, caller: &Caller) -> u32 {
        let meta = self.meta();
        let mut kept = meta.mode & !S_ISUID;
        if meta.mode & 0o010 != 0 || !caller.in_group(meta.gid) && !caller.can(CAP_FSETID) {
            kept &= !S_ISGID;
        }
        kept
    }

    /// The running thread changes the content: a program that somebody else wrote to gives no identity any more.
    pub fn content_changes(&self) {
        self.attributes.borrow_mut().retain(|(name, _)| name != b"security.capability");
        if self.meta().mode & (S_ISUID | S_ISGID) == 0 {
            return;
        }
        let caller = Caller::of(&crate::syscall::dispatch::current().process().credentials.borrow());
        if !caller.can(CAP_FSETID) {
            let mode = self.mode_without_identity(&caller);
            self.change(|meta| meta.mode = mode);
        }
    }

    /// The directory that a directory hangs in, or hung in when it was removed; none for the root.
    pub fn parent(self: &Rc<Self>) -> Option<Rc<Self>> {
        self.parent.borrow().clone()
    }

    /// Says where a directory hangs; does nothing for anything else.
    pub fn set_place(&self, parent: &Rc<Self>, name: &[u8]) {
        if self.is_directory() {
            *self.parent.borrow_mut() = Some(parent.clone());
            *self.name.borrow_mut() = name.to_vec();
        }
    }

    /// Whether it is a directory that was removed.
    pub fn is_removed(&self) -> bool {
        self.is_directory() && self.meta().links == 0
    }

    /// Absolute path of a directory as seen from `root`; none when it was removed or lies outside.
    pub fn path_below(self: &Rc<Self>, root: &Rc<Self>) -> Option<Vec<u8>> {
        if self.is_removed() { None } else { self.last_path_below(root) }
    }

    /// As [`Inode::path_below`], of a removed directory the path that it had.
    pub fn last_path_below(self: &Rc<Self>, root: &Rc<Self>) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = self.clone();
        while !Rc::ptr_eq(&at, root) {
            names.push(at.name.borrow().clone());
            let parent = at.parent()?;
            at = parent;
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Some(path)
    }

    /// Whether `other` is this directory or lies below it.
    pub fn contains(self: &Rc<Self>, other: &Rc<Self>) -> bool {
        let mut at = Some(other.clone());
        while let Some(inode) = at {
            if Rc::ptr_eq(&inode, self) {
                return true;
            }
            at = inode.parent();
        }
        false
    }
}

impl Drop for Inode {
    fn drop(&mut self) {
        if !self.watches.get_mut().is_empty() {
            self.report_end();
        }
    }
}

/// Where an open file was found: for its name in `/proc` and the I/O table.
#[derive(Clone, Default)]
pub struct Place {
    /// The directory.
    pub parent: Option<Rc<Inode>>,
    /// The name in it.
    pub name: Vec<u8>,
}

impl Place {
    /// The path now; with ` (deleted)` when the name refers to something else meanwhile.
    pub fn path(&self, inode: &Rc<Inode>) -> Vec<u8> {
        let root = kernel().fs.root();
        if inode.is_directory() {
            let mut path = inode.last_path_below(&root).unwrap_or_else(|| self.name.clone());
            if inode.is_removed() {
                path.extend_from_slice(DELETED);
            }
            return path;
        }
        let Some(parent) = &self.parent else { return self.name.clone() };
        let mut path = parent.last_path_below(&root).unwrap_or_default();
        if path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(&self.name);
        if !parent.has_child(&self.name, inode) {
            path.extend_from_slice(DELETED);
        }
        path
    }
}

/// What `/proc` adds to a path that leads nowhere any more.
pub const DELETED: &[u8] = b" (deleted)";

/// The inode behind an open file of the file system.
pub fn inode_of(object: &Rc<dyn File>) -> Option<Rc<Inode>> {
    super::open::opened(object).map(|opened| opened.inode.clone())
}
