//! What a descriptor refers to: an [`OpenFile`] (the open file description of `open(2)`) over an object
//! that implements [`File`].

use crate::errno::{EAGAIN, EBADF, EINVAL, ENOTTY, ESPIPE, Errno};
use crate::events::asynchronous::Notice;
use crate::events::epoll::Memberships;
use crate::host::HostFd;
use crate::net::socket::Socket;
use crate::syscall::owners::FileOwner;
use crate::syscall::{Context, Outcome, RestartRule, Stop};
use crate::user_memory::{Sink, Source, UserAddr};
use crate::wait::{Events, WaitFor, WaitQueue};
use abi::dump::IoState;
use alloc::rc::Rc;
use alloc::string::String;
use bitflags::bitflags;
use core::any::Any;
use core::cell::{Cell, RefCell};

bitflags! {
    /// `O_*` of `open(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct OpenFlags: u32 {
        /// `O_WRONLY`.
        const WRONLY = 0o1;
        /// `O_RDWR`.
        const RDWR = 0o2;
        /// `O_CREAT`.
        const CREAT = 0o100;
        /// `O_EXCL`.
        const EXCL = 0o200;
        /// `O_NOCTTY`.
        const NOCTTY = 0o400;
        /// `O_TRUNC`.
        const TRUNC = 0o1000;
        /// `O_APPEND`.
        const APPEND = 0o2000;
        /// `O_NONBLOCK`.
        const NONBLOCK = 0o4000;
        /// `O_DSYNC`.
        const DSYNC = 0o10000;
        /// `O_ASYNC`.
        const ASYNC = 0o20000;
        /// `O_DIRECT`.
        const DIRECT = 0o40000;
        /// `O_LARGEFILE`.
        const LARGEFILE = 0o100000;
        /// `O_DIRECTORY`.
        const DIRECTORY = 0o200000;
        /// `O_NOFOLLOW`.
        const NOFOLLOW = 0o400000;
        /// `O_NOATIME`.
        const NOATIME = 0o1000000;
        /// `O_CLOEXEC`.
        const CLOEXEC = 0o2000000;
        /// `O_SYNC`.
        const SYNC = 0o4000000;
        /// `O_PATH`.
        const PATH = 0o10000000;
        /// `O_TMPFILE`.
        const TMPFILE = 0o20000000;
    }
}

impl OpenFlags {
    /// What means something beside `O_PATH`.
    pub const OF_PATH: Self = Self::PATH.union(Self::DIRECTORY).union(Self::NOFOLLOW).union(Self::CLOEXEC);

    /// Whether permission to write is asked for: also by the access mode 3, whose descriptor can do neither.
    pub fn asks_to_write(self) -> bool {
        self.intersects(Self::WRONLY | Self::RDWR)
    }

    /// Whether permission to read is asked for.
    pub fn asks_to_read(self) -> bool {
        !self.contains(Self::WRONLY) || self.contains(Self::RDWR)
    }

    /// Whether reading is allowed.
    pub fn readable(self) -> bool {
        !self.contains(Self::WRONLY) && !self.contains(Self::PATH)
    }

    /// Whether writing is allowed.
    pub fn writable(self) -> bool {
        self.intersects(Self::WRONLY | Self::RDWR)
            && !self.contains(Self::WRONLY | Self::RDWR)
            && !self.contains(Self::PATH)
    }
}

/// What `stat(2)` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Stat {
    pub device: u64,
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    pub links: u32,
    pub uid: u32,
    pub gid: u32,
    /// Device number of a device node.
    pub rdev: u64,
    pub size: u64,
    /// 512-byte units.
    pub blocks: u64,
    pub block_size: u32,
    pub accessed_ns: i64,
    pub modified_ns: i64,
    pub changed_ns: i64,
}

/// What is behind a mapping of a file.
pub enum Mapping {
    /// The host's descriptor of a lower file: mapped `MAP_PRIVATE` (reads see the file).
    Host(HostFd),
    /// Content that the kernel holds: a private mapping copies it.
    Copy,
    /// A shared object of the guest ([`crate::mm`]).
    Shared(Rc<crate::mm::SharedObject>),
    /// Zeros (`/dev/zero`).
    Zero,
}

/// An object that descriptors refer to. Operations run under the kernel lock and never block: what can't go
/// on answers [`Stop::Wait`] (see [`OpenFile::block`]).
pub trait File: Any {
    /// Kind for the I/O table: `pipe`, `lower file`, `epoll`…
    fn kind(&self) -> &'static str;
    /// Name for the I/O table and `/proc/self/fd`: a path, or `pipe:[7]`.
    fn name(&self) -> String;
    /// State in the I/O table.
    fn io_state(&self) -> IoState {
        IoState::Active
    }
    /// `stat(2)`.
    ///
    /// # Errors
    /// As there.
    fn stat(&self) -> Result<Stat, Errno>;
    /// Reads at a position (files that have one) or the next bytes. Progress of a continued call is not its
    /// business: the sink has only the room that is left. Answers the bytes moved now. The caller of a wait
    /// that ran out of time answers `EAGAIN` (`SO_RCVTIMEO`), and does not call again.
    ///
    /// # Errors
    /// As `read(2)`.
    fn read(&self, _file: &OpenFile, _sink: &mut dyn Sink, _position: u64) -> Outcome {
        Err(EINVAL.into())
    }
    /// The wait of a read ran out of the time that the object gave it: what it has is read. Without a time of its
    /// own that was the caller's.
    ///
    /// # Errors
    /// `EAGAIN`.
    fn read_in_time(&self, _file: &OpenFile, _sink: &mut dyn Sink) -> Outcome {
        Err(EAGAIN.into())
    }
    /// Writes, likewise. With `O_APPEND` the position is the end. A blocking write that took a part answers
    /// [`Stop::Wait`] with [`crate::wait::Progress::Bytes`] of what was moved *now*: the caller adds what was moved
    /// before, waits, and calls again with what is left.
    ///
    /// # Errors
    /// As `write(2)`.
    fn write(&self, _file: &OpenFile, _source: &mut dyn Source, _position: u64) -> Outcome {
        Err(EINVAL.into())
    }
    /// Whether reads and writes have a position.
    fn seekable(&self) -> bool {
        false
    }
    /// Whether a seek always ends at 0, as on character devices, eventfds and their like.
    fn stays_at_start(&self) -> bool {
        false
    }
    /// `lseek(2)` for `SEEK_END`, `SEEK_DATA`, `SEEK_HOLE` and directories: the new position.
    ///
    /// # Errors
    /// `ESPIPE`, `EINVAL`, `ENXIO`.
    fn seek(&self, _file: &OpenFile, _offset: i64, _whence: u32) -> Result<u64, Errno> {
        Err(ESPIPE)
    }
    /// What it is ready for now.
    fn poll(&self, file: &OpenFile) -> Events;
    /// Who is told when that changes; none: always ready, and can't be a member of an epoll set.
    fn queue(&self) -> Option<Rc<WaitQueue>> {
        None
    }
    /// `ioctl(2)`; the generic ones (`FIONBIO`, `FIOCLEX`…) are served before.
    ///
    /// # Errors
    /// `ENOTTY` for what it does not know.
    fn ioctl(&self, _context: &mut Context<'_>, _file: &OpenFile, _request: u32, _argument: UserAddr) -> Outcome {
        Err(ENOTTY.into())
    }
    /// `ftruncate(2)`.
    ///
    /// # Errors
    /// `EINVAL` for what has no length.
    fn truncate(&self, _len: u64) -> Result<(), Errno> {
        Err(EINVAL)
    }
    /// `mmap(2)` with `MAP_PRIVATE`: what is mapped.
    ///
    /// # Errors
    /// `ENODEV` for what can't be mapped.
    fn map(&self, _file: &OpenFile) -> Result<Mapping, Errno> {
        Err(crate::errno::ENODEV)
    }
    /// As [`File::map`], for `MAP_SHARED`: content that can be written answers [`Mapping::Shared`].
    ///
    /// # Errors
    /// `ENODEV`.
    fn map_shared(&self, file: &OpenFile) -> Result<Mapping, Errno> {
        self.map(file)
    }
    /// What it is in the file system, if it is there.
    fn inode(&self) -> Option<Rc<super::inode::Inode>> {
        None
    }
    /// The last descriptor that refers to this open file was closed.
    fn released(&self, _file: &OpenFile) {}
    /// The socket, if it is one.
    fn as_socket(&self) -> Option<&dyn Socket> {
        None
    }
    /// For looking at the object's own type.
    fn as_any(&self) -> &dyn Any;
}

/// An open file description: an object, and the state that `dup(2)` and `fork(2)` share.
pub struct OpenFile {
    /// The object.
    pub object: Rc<dyn File>,
    /// Status flags.
    pub flags: Cell<OpenFlags>,
    /// Position.
    pub position: Cell<u64>,
    /// Epoll sets it is a member of.
    pub memberships: Memberships,
    /// Who is told by a signal.
    pub owner: Cell<FileOwner>,
    /// What tells it (`O_ASYNC`).
    pub notice: RefCell<Option<Rc<Notice>>>,
}

impl OpenFile {
    /// Opens an object.
    pub fn new(object: Rc<dyn File>, flags: OpenFlags) -> Rc<Self> {
        Rc::new(Self {
            object,
            flags: Cell::new(flags),
            position: Cell::new(0),
            memberships: Memberships::default(),
            owner: Cell::default(),
            notice: RefCell::default(),
        })
    }

    /// The object as its own type.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        self.object.as_any().downcast_ref()
    }

    /// `EBADF` unless it is open for reading.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn check_readable(&self) -> Result<(), Errno> {
        if self.flags.get().readable() { Ok(()) } else { Err(EBADF) }
    }

    /// `EBADF` unless it is open for writing.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn check_writable(&self) -> Result<(), Errno> {
        if self.flags.get().writable() { Ok(()) } else { Err(EBADF) }
    }

    /// What an operation that can't go on answers: `EAGAIN` with `O_NONBLOCK`, else it waits.
    pub fn block(&self, queue: &Rc<WaitQueue>, events: Events, what: &'static str) -> Stop {
        if self.flags.get().contains(OpenFlags::NONBLOCK) {
            EAGAIN.into()
        } else {
            Stop::Wait(WaitFor::events(queue, events, what), RestartRule::IfFlagged)
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.memberships.end();
        self.object.clone().released(self);
    }
}
