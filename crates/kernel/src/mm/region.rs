//! A region of the guest's memory: a range with one protection and one backing.

use super::SharedObject;
use crate::fs::file::OpenFile;
use crate::host::protection;
use alloc::rc::Rc;
use bitflags::bitflags;

bitflags! {
    /// What else is known of a region.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct RegionFlags: u32 {
        /// Grows downwards when the page below is touched.
        const GROWS_DOWN = 1;
        /// `MAP_NORESERVE`: not counted against the memory limit.
        const NO_RESERVE = 2;
        /// `mlock(2)`.
        const LOCKED = 4;
        /// `MADV_WIPEONFORK`: zeros after an `sfork`.
        const WIPE_ON_FORK = 8;
        /// `mprotect(2)` may not make it writable: a shared mapping of a file opened for reading.
        const READ_ONLY = 16;
        /// `MADV_DONTFORK`.
        const NO_FORK = 32;
        /// `MADV_DONTDUMP`.
        const NO_DUMP = 64;
        /// Its pages are those of an image: the host brings them back when they are discarded.
        const FROM_IMAGE = 128;
        /// An attachment of System V shared memory: what was cut is not joined again, since the parts are counted.
        const ATTACHED = 256;
        /// `mseal(2)`.
        const SEALED = 512;
        /// `MADV_RANDOM`.
        const RANDOM = 1024;
        /// `MADV_SEQUENTIAL`.
        const SEQUENTIAL = 2048;
        /// `MADV_HUGEPAGE`.
        const HUGE = 4096;
        /// `MADV_NOHUGEPAGE`.
        const NOT_HUGE = 8192;
    }
}

/// Whether writes to a mapping are writes to what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// `MAP_SHARED`.
    Shared,
    /// `MAP_PRIVATE`.
    Private,
}

/// What is behind a region.
#[derive(Clone)]
pub enum Backing {
    /// Zeros at first.
    Anonymous,
    /// The stack of the first thread.
    Stack,
    /// The `brk(2)` heap.
    Heap,
    /// The guest's vDSO.
    Vdso,
    /// Stubs of the fast entry ([`super::patch`]).
    Stubs,
    /// A private mapping of a file, from this offset on.
    File(Rc<OpenFile>, u64),
    /// Shared memory from this offset on; of a file, when there is one.
    Shared(Rc<SharedObject>, u64, Option<Rc<OpenFile>>),
    /// A private mapping of the content of a file of the upper layer: pages are the object's until they are written to.
    Private(Rc<SharedObject>, u64, Rc<OpenFile>),
}

impl Backing {
    /// The backing `distance` bytes further on.
    #[must_use]
    pub fn advanced(&self, distance: u64) -> Self {
        match self {
            Self::File(file, offset) => Self::File(file.clone(), offset + distance),
            Self::Shared(object, offset, file) => Self::Shared(object.clone(), offset + distance, file.clone()),
            Self::Private(object, offset, file) => Self::Private(object.clone(), offset + distance, file.clone()),
            other => other.clone(),
        }
    }

    /// Whether `next` goes on where this backing ends after `len` bytes.
    pub fn continues(&self, len: u64, next: &Self) -> bool {
        match (self, next) {
            (Self::Anonymous, Self::Anonymous)
            | (Self::Heap, Self::Heap)
            | (Self::Stack, Self::Stack)
            | (Self::Stubs, Self::Stubs) => true,
            (Self::File(file, offset), Self::File(other, at)) => Rc::ptr_eq(file, other) && offset + len == *at,
            (Self::Shared(object, offset, _), Self::Shared(other, at, _)) => {
                Rc::ptr_eq(object, other) && offset + len == *at
            }
            (Self::Private(object, offset, _), Self::Private(other, at, _)) => {
                Rc::ptr_eq(object, other) && offset + len == *at
            }
            _ => false,
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<(&Rc<OpenFile>, u64)> {
        match self {
            Self::File(file, offset) | Self::Shared(_, offset, Some(file)) | Self::Private(_, offset, file) => {
                Some((file, *offset))
            }
            _ => None,
        }
    }

    /// The object whose content it shows, from where on, and whether privately.
    pub fn object(&self) -> Option<(&Rc<SharedObject>, u64, Sharing)> {
        match self {
            Self::Shared(object, offset, _) => Some((object, *offset, Sharing::Shared)),
            Self::Private(object, offset, _) => Some((object, *offset, Sharing::Private)),
            _ => None,
        }
    }
}

/// See the module documentation.
#[derive(Clone)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// Length in bytes, whole pages, not 0.
    pub len: u64,
    /// `PROT_*`.
    pub protection: u32,
    /// What is behind it.
    pub backing: Backing,
    /// What else is known.
    pub flags: RegionFlags,
}

impl Region {
    /// First address after it.
    pub fn end(&self) -> u64 {
        self.start + self.len
    }

    /// Bytes that count against the memory limit: private memory that can be written, but for stacks (which are
    /// reserved generously) and what the program itself declared a reservation.
    pub fn charge(&self) -> u64 {
        let private = !matches!(self.backing, Backing::Shared(..));
        let exempt = self.flags.intersects(RegionFlags::NO_RESERVE | RegionFlags::GROWS_DOWN);
        if private && !exempt && self.protection & protection::WRITE != 0 { self.len } else { 0 }
    }

    /// Whether what is written to it is its own.
    pub fn is_private(&self) -> bool {
        !matches!(self.backing, Backing::Shared(..))
    }

    /// Bytes from its beginning that can be accessed at all: behind the end of an object's content nothing can.
    pub fn accessible(&self) -> u64 {
        self.backing.object().map_or(self.len, |(object, offset, _)| super::view::visible(object, offset, self.len))
    }

    /// Whether `next` can be joined to it.
    pub fn joins(&self, next: &Self) -> bool {
        self.end() == next.start
            && !self.flags.contains(RegionFlags::ATTACHED)
            && self.protection == next.protection
            && self.flags == next.flags
            && self.backing.continues(self.len, &next.backing)
    }

    /// The part from `start` to `end`, which lie within it.
    #[must_use]
    pub fn part(&self, start: u64, end: u64) -> Self {
        Self {
            start,
            len: end - start,
            protection: self.protection,
            backing: self.backing.advanced(start - self.start),
            flags: self.flags,
        }
    }

    /// How it is called in `/proc/self/maps`.
    pub fn name(&self) -> alloc::string::String {
        match &self.backing {
            Backing::Stack => "[stack]".into(),
            Backing::Heap => "[heap]".into(),
            Backing::Vdso => "[vdso]".into(),
            Backing::Shared(object, _, None) => match crate::ipc::sysv::memory::map_name(object) {
                Some((name, _)) => name,
                None => "/dev/zero (deleted)".into(),
            },
            Backing::Anonymous | Backing::Stubs => alloc::string::String::new(),
            Backing::File(file, _) | Backing::Shared(_, _, Some(file)) | Backing::Private(_, _, file) => {
                file.object.name()
            }
        }
    }
}
