//! Opening: from an inode to an open file. [`Opened`] is the object of regular files, directories and what
//! is only named (`O_PATH`).

use super::data::Sought;
use super::directory::Listed;
use super::file::{File, Mapping, OpenFile, OpenFlags, Stat};
use super::inode::{Content, Inode, MAY_EXEC, MAY_READ, MAY_WRITE, Place, S_IFREG};
use super::notify::{self, Happened};
use super::walk::{Follow, Found, Walker};
use crate::errno::{EACCES, EBADF, EFBIG, EINVAL, EISDIR, ELOOP, ENODEV, ENOTDIR, ENXIO, Errno};
use crate::kernel;
use crate::syscall::{Context, Outcome, Stop};
use crate::task::Process;
use crate::task::signal::queue::{Info, SI_KERNEL};
use crate::task::signal::{Signal, send};
use crate::user_memory::{Sink, Source};
use crate::wait::Events;
use abi::dump::IoState;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

/// An open regular file, directory or `O_PATH` descriptor.
pub struct Opened {
    /// What is open.
    pub inode: Rc<Inode>,
    /// Where it was found.
    pub place: Place,
    /// Only named (`O_PATH`).
    pub named_only: bool,
    /// Names of a directory as they were when reading began.
    listing: RefCell<Option<Vec<Listed>>>,
    /// Text of a generated file as it was when it was read from the start.
    text: RefCell<Option<Vec<u8>>>,
}

/// The object as one of the file system.
pub fn opened(object: &Rc<dyn File>) -> Option<&Opened> {
    object.as_any().downcast_ref()
}

impl Opened {
    fn new(inode: Rc<Inode>, place: Place, flags: OpenFlags) -> Rc<Self> {
        let named_only = flags.contains(OpenFlags::PATH);
        if let Some(base) = inode.data().and_then(|data| data.base()).filter(|_| !named_only) {
            base.opened();
        }
        Rc::new(Self { inode, place, named_only, listing: RefCell::default(), text: RefCell::default() })
    }

    /// The names of a directory with their types, `.` and `..` first; kept until the position is 0 again.
    ///
    /// # Errors
    /// `ENOTDIR`, and what the file server says.
    pub fn names(&self, position: u64) -> Result<core::cell::Ref<'_, [Listed]>, Errno> {
        if position == 0 || self.listing.borrow().is_none() {
            let parent = self.inode.parent().unwrap_or_else(|| self.inode.clone());
            let line = |name: &[u8], inode: &Rc<Inode>| Listed {
                name: name.to_vec(),
                inode: inode.meta().number,
                file_type: inode.file_type(),
            };
            let mut names = alloc::vec![line(b".", &self.inode), line(b"..", &parent)];
            names.extend(self.inode.list()?);
            *self.listing.borrow_mut() = Some(names);
        }
        Ok(core::cell::Ref::map(self.listing.borrow(), |listing| listing.as_deref().unwrap_or_default()))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(base) = self.inode.data().and_then(|data| data.base()).filter(|_| !self.named_only) {
            base.closed();
        }
    }
}

impl File for Opened {
    fn kind(&self) -> &'static str {
        match &self.inode.content {
            Content::Regular(data) if data.untouched().is_some() => "lower file",
            Content::Regular(_) => "file",
            Content::Directory(_) | Content::Virtual(_) => "directory",
            Content::Generated(_) => "generated file",
            _ => "path",
        }
    }

    fn name(&self) -> String {
        String::from_utf8_lossy(&self.place.path(&self.inode)).into_owned()
    }

    fn io_state(&self) -> IoState {
        self.inode.data().and_then(|data| data.untouched()).map_or(IoState::Active, super::lower::LowerFile::io_state)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.inode.stat())
    }

    fn read(&self, file: &OpenFile, sink: &mut dyn Sink, position: u64) -> Outcome {
        match &self.inode.content {
            Content::Regular(data) => {
                let moved = data.read(sink, position)?;
                if moved > 0 {
                    notify::happened(&self.inode, Some(&self.place), Happened::ACCESS);
                }
                if moved > 0 && !file.flags.get().contains(OpenFlags::NOATIME) && data.untouched().is_none() {
                    let now = crate::time::realtime_ns().cast_signed();
                    self.inode.change(|meta| meta.accessed_ns = now);
                }
                Ok(moved)
            }
            Content::Generated(generator) => {
                if position == 0 || self.text.borrow().is_none() {
                    let text = generator.text()?;
                    *self.text.borrow_mut() = Some(text);
                }
                let text = self.text.borrow();
                let start = usize::try_from(position).map_err(|_| EINVAL)?;
                let rest = text.as_deref().unwrap_or_default().get(start..).unwrap_or_default();
                Ok(sink.put(rest)?)
            }
            Content::Directory(_) | Content::Virtual(_) => Err(EISDIR.into()),
            _ => Err(EBADF.into()),
        }
    }

    fn write(&self, _file: &OpenFile, source: &mut dyn Source, position: u64) -> Outcome {
        match &self.inode.content {
            Content::Regular(data) => {
                if let Some(seals) = data.seals.get()
                    && source.left() != 0
                    && (seals & (SEAL_WRITE | SEAL_FUTURE_WRITE) != 0
                        || (seals & SEAL_GROW != 0 && position.saturating_add(source.left() as u64) > data.size()))
                {
                    return Err(crate::errno::EPERM.into());
                }
                if source.left() == 0 {
                    return Ok(0);
                }
                let mut source = limited(source, position)?;
                self.inode.content_changes();
                let moved = data.write(&mut source, position)?;
                if moved > 0 {
                    self.inode.modified();
                    notify::happened(&self.inode, Some(&self.place), Happened::MODIFY);
                }
                Ok(moved)
            }
            Content::Generated(generator) => {
                let mut bytes = alloc::vec![0u8; source.left().min(4096)];
                let taken = source.take(&mut bytes)?;
                generator.write(bytes.get(..taken).unwrap_or_default())?;
                Ok(taken)
            }
            Content::Directory(_) | Content::Virtual(_) => Err(EISDIR.into()),
            _ => Err(EBADF.into()),
        }
    }

    fn seekable(&self) -> bool {
        !self.named_only
    }

    fn seek(&self, _file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        let from = u64::try_from(offset).map_err(|_| ENXIO);
        match (&self.inode.content, whence) {
            (Content::Regular(data), 2) => data.size().checked_add_signed(offset).ok_or(EINVAL),
            (Content::Regular(data), 3) => data.seek_data(from?, Sought::Data).ok_or(ENXIO),
            (Content::Regular(data), 4) => data.seek_data(from?, Sought::Hole).ok_or(ENXIO),
            (Content::Directory(_) | Content::Virtual(_), 2) => {
                let len = self.names(1)?.len() as u64;
                len.checked_add_signed(offset).ok_or(EINVAL)
            }
            (_, 2) => 0_u64.checked_add_signed(offset).ok_or(EINVAL),
            _ => Err(EINVAL),
        }
    }

    fn poll(&self, _file: &OpenFile) -> Events {
        Events::IN | Events::OUT | Events::RDNORM | Events::WRNORM
    }

    fn truncate(&self, len: u64) -> Result<(), Errno> {
        truncate(&self.inode, len)?;
        notify::happened(&self.inode, Some(&self.place), Happened::MODIFY);
        Ok(())
    }

    fn map(&self, _file: &OpenFile) -> Result<Mapping, Errno> {
        match &self.inode.content {
            Content::Regular(data) => match data.untouched() {
                Some(lower) => Ok(Mapping::Host(lower.connect()?)),
                None => Ok(Mapping::Shared(data.share()?)),
            },
            _ => Err(ENODEV),
        }
    }

    fn released(&self, file: &OpenFile) {
        super::locks::released(&self.inode);
        if !self.named_only {
            let what = if file.flags.get().writable() { Happened::CLOSE_WRITE } else { Happened::CLOSE_NOWRITE };
            notify::happened(&self.inode, Some(&self.place), what);
        }
    }

    fn map_shared(&self, file: &OpenFile) -> Result<Mapping, Errno> {
        match &self.inode.content {
            // What nobody has written to and this one can't write to is mapped as it lies below.
            Content::Regular(data) if data.untouched().is_some() && !file.flags.get().writable() => self.map(file),
            Content::Regular(data) => Ok(Mapping::Shared(data.share()?)),
            _ => Err(ENODEV),
        }
    }

    fn inode(&self) -> Option<Rc<Inode>> {
        Some(self.inode.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `F_SEAL_SEAL`.
pub const SEAL_SEAL: u32 = 1;
/// `F_SEAL_SHRINK`.
pub const SEAL_SHRINK: u32 = 2;
/// `F_SEAL_GROW`.
pub const SEAL_GROW: u32 = 4;
/// `F_SEAL_WRITE`.
pub const SEAL_WRITE: u32 = 8;

/// `F_SEAL_FUTURE_WRITE`.
pub const SEAL_FUTURE_WRITE: u32 = 16;
/// `F_SEAL_EXEC`.
pub const SEAL_EXEC: u32 = 32;
/// All there are.
pub const ALL_SEALS: u32 = 63;

/// Sets the length of a file.
///
/// # Errors
/// `EISDIR`, `EINVAL`, `EFBIG`, `EPERM` when it is sealed.
pub fn truncate(inode: &Rc<Inode>, len: u64) -> Result<(), Errno> {
    match &inode.content {
        Content::Regular(data) => {
            let seals = data.seals.get().unwrap_or(0);
            if (seals & SEAL_SHRINK != 0 && len < data.size()) || (seals & SEAL_GROW != 0 && len > data.size()) {
                return Err(crate::errno::EPERM);
            }
            if len > data.size() {
                check_size_limit(len)?;
            }
            inode.content_changes();
            data.truncate(len)?;
            inode.modified();
            Ok(())
        }
        Content::Directory(_) | Content::Virtual(_) => Err(EISDIR),
        // Generated files and devices take `O_TRUNC` and forget it.
        Content::Generated(_) | Content::Device(_) => Ok(()),
        _ => Err(EINVAL),
    }
}

/// `RLIMIT_FSIZE` of the running process.
fn size_limit() -> u64 {
    const LIMIT: usize = 1;
    kernel().running().map_or(u64::MAX, |thread| thread.process().limits.borrow()[LIMIT].0)
}

/// A file can't become longer than `RLIMIT_FSIZE` says.
///
/// # Errors
/// `EFBIG`, and `SIGXFSZ` for the running thread.
pub fn check_size_limit(len: u64) -> Result<(), Errno> {
    if len <= size_limit() {
        return Ok(());
    }
    if let Some(thread) = kernel().running() {
        // Nobody is told when there is no room in the queue: the call fails anyway.
        let _ = send::to_thread(&thread, Info::new(Signal::XFSZ, SI_KERNEL), send::Source::Other);
    }
    Err(EFBIG)
}

/// The part of a source that may be written at a position.
struct Limited<'a> {
    source: &'a mut dyn Source,
    left: usize,
}

fn limited(source: &mut dyn Source, position: u64) -> Result<Limited<'_>, Errno> {
    check_size_limit(position.saturating_add(1))?;
    let room = usize::try_from(size_limit() - position).unwrap_or(usize::MAX);
    let left = source.left().min(room);
    Ok(Limited { source, left })
}

impl Source for Limited<'_> {
    fn left(&self) -> usize {
        self.left
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let len = into.len().min(self.left);
        let taken = self.source.take(into.get_mut(..len).unwrap_or_default())?;
        self.left -= taken;
        Ok(taken)
    }
}

/// Opens what a path led to; permissions are checked unless the file was made by this very call.
///
/// # Errors
/// As `open(2)`.
pub fn open_found(
    context: &Context<'_>,
    walker: &Walker,
    found: &Found,
    flags: OpenFlags,
    made: Made,
) -> Result<Rc<OpenFile>, Stop> {
    let kept = flags - (OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC | OpenFlags::CLOEXEC);
    if let Some(file) = &found.special {
        return Ok(OpenFile::new(file.object.clone(), kept));
    }
    let inode = found.existing()?;
    let place =
        found.place.clone().unwrap_or_else(|| Place { parent: Some(found.parent.clone()), name: found.name.clone() });
    if flags.contains(OpenFlags::DIRECTORY) && !inode.is_directory() {
        return Err(ENOTDIR.into());
    }
    if flags.contains(OpenFlags::PATH) {
        return Ok(OpenFile::new(Opened::new(inode, place, OpenFlags::PATH), kept));
    }
    if inode.is_link() {
        return Err(ELOOP.into());
    }
    let writes = flags.asks_to_write() || flags.contains(OpenFlags::TRUNC);
    if inode.is_directory() && (writes || flags.contains(OpenFlags::CREAT)) {
        return Err(EISDIR.into());
    }
    let mut wanted = 0;
    if flags.asks_to_read() {
        wanted |= MAY_READ;
    }
    if writes {
        wanted |= MAY_WRITE;
    }
    if made == Made::Before {
        inode.check_access(&walker.caller, wanted)?;
    }
    if flags.contains(OpenFlags::NOATIME) {
        inode.check_owner(&walker.caller)?;
    }
    match &inode.content {
        Content::Regular(data) => {
            if let Some(base) = data.base() {
                base.check_granted(inode.meta().mode)?;
            }
            if flags.contains(OpenFlags::TRUNC) && made == Made::Before {
                truncate(&inode, 0)?;
            }
        }
        Content::Directory(_) | Content::Virtual(_) | Content::Generated(_) => {}
        Content::Device(device) => return Ok(device.open(&inode, place, kept, flags.contains(OpenFlags::NOCTTY))?),
        Content::Fifo(fifo) => return super::fifo::open(context, fifo, &inode, place, kept),
        Content::Socket(_) => return Err(ENXIO.into()),
        Content::Symlink(_) | Content::Magic(_) => return Err(ELOOP.into()),
    }
    Ok(OpenFile::new(Opened::new(inode, place, flags), kept))
}

/// Whether `open(2)` made the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was there.
    Before,
    /// By this call.
    Now,
}

/// A file without name (`memfd_create`, `O_TMPFILE`).
pub fn anonymous(inode: Rc<Inode>, name: &[u8], flags: OpenFlags) -> Rc<OpenFile> {
    OpenFile::new(Opened::new(inode, Place { parent: None, name: name.to_vec() }, flags), flags)
}

/// Opens a program for `execve(2)`: a regular file that may be executed.
///
/// # Errors
/// As `execve(2)`.
pub fn open_for_exec(process: &Rc<Process>, path: &[u8]) -> Result<Rc<OpenFile>, Errno> {
    let (walker, directory) = super::walker(process);
    let found = walker.walk(&directory, path, Follow::Yes)?;
    let inode = found.existing()?;
    if inode.file_type() != S_IFREG || found.special.is_some() {
        return Err(EACCES);
    }
    inode.check_access(&walker.caller, MAY_EXEC)?;
    let Some(data) = inode.data() else { return Err(EACCES) };
    if let Some(base) = data.base() {
        base.check_granted(inode.meta().mode)?;
    }
    let place = Place { parent: Some(found.parent.clone()), name: found.name };
    Ok(OpenFile::new(Opened::new(inode, place, OpenFlags::empty()), OpenFlags::empty()))
}
