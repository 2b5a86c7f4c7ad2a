//! The lower layer: what the file server shows of the host.
//!
//! It is taken not to change, so whatever is learned of it is kept for good, in the inodes, and travels in
//! images. A file that is opened again after a boot must be what it was: size, modification time and inode
//! number are compared, and a difference is an error that says so.

use super::data::Data;
use super::directory::Directory;
use super::inode::{Content, Inode, LOWER_DEVICES, Meta, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use crate::control;
use crate::errno::{EACCES, EINTR, EIO, Errno};
use crate::heap::guest_word::ByteBox;
use crate::host::{self, GuestRange, HostFd};
use crate::task::poller::HostHandle;
use crate::user_memory::Sink;
use abi::control::LogStream;
use abi::dump::{self, IoState};
use abi::files::{Attributes, FileReply, FileRequest, MAX_REPLY, Name};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// Longest reply that is not a listing: attributes and a link's target.
const SHORT_REPLY: usize = 4096 + 256;

/// A place in the lower layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerPath {
    /// Root of the file server.
    pub root: u16,
    /// Path in it; empty: the root itself.
    pub path: Vec<u8>,
}

impl LowerPath {
    /// A name in it.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        Self { root: self.root, path }
    }
}

/// Asks the file server. Blocks under the kernel lock: answers take microseconds.
fn ask(request: &FileRequest) -> Result<(FileReply, Option<HostFd>), Errno> {
    let socket = control::files();
    let bytes = abi::encode(request);
    while let Err(errno) = host::transmit(socket, &bytes, &[], true) {
        if errno != EINTR {
            return Err(EIO);
        }
    }
    let len = if matches!(request, FileRequest::List { .. }) { MAX_REPLY } else { SHORT_REPLY };
    let mut buffer = alloc::vec![0u8; len];
    loop {
        match host::receive(socket, &mut buffer, true) {
            Ok((len, mut descriptors)) => {
                let descriptor = descriptors.take();
                while let Some(extra) = descriptors.take() {
                    host::close(extra);
                }
                let reply = buffer.get(..len).and_then(|bytes| abi::decode::<FileReply>(bytes).ok());
                return match reply {
                    Some(FileReply::Error(errno)) => {
                        descriptor.inspect(|fd| host::close(*fd));
                        Err(u16::try_from(errno).map_or(EIO, Errno))
                    }
                    Some(reply) => Ok((reply, descriptor)),
                    None => {
                        descriptor.inspect(|fd| host::close(*fd));
                        Err(EIO)
                    }
                };
            }
            Err(EINTR) => {}
            Err(_) => return Err(EIO),
        }
    }
}

/// Looks a path up; the inode it is, with its origin.
///
/// # Errors
/// As the file server's: `ENOENT`, `EACCES`…
pub fn lookup(at: &LowerPath) -> Result<Rc<Inode>, Errno> {
    let request = FileRequest::Lookup { root: at.root, path: at.path.clone() };
    let (FileReply::Attributes { attributes, target }, _) = ask(&request)? else { return Err(EIO) };
    let content = match attributes.mode & S_IFMT {
        S_IFDIR => Content::Directory(Directory::over(at.clone())),
        S_IFREG => Content::Regular(Data::over(LowerFile::new(at.clone(), &attributes))),
        S_IFLNK => Content::Symlink(target),
        // Devices, FIFOs and sockets of the host are shown and can't be opened.
        _ => Content::Device(super::device::Device::Foreign),
    };
    let meta = Meta {
        number: attributes.inode,
        mode: attributes.mode,
        links: attributes.links,
        uid: attributes.uid,
        gid: attributes.gid,
        rdev: 0,
        accessed_ns: attributes.accessed_ns,
        modified_ns: attributes.modified_ns,
        changed_ns: attributes.changed_ns,
    };
    Ok(Inode::with_meta(LOWER_DEVICES + u64::from(at.root), content, meta))
}

/// All names in a directory.
///
/// # Errors
/// As the file server's.
pub fn list(at: &LowerPath) -> Result<Vec<Name>, Errno> {
    let mut all: Vec<Name> = Vec::new();
    loop {
        let start = u32::try_from(all.len()).map_err(|_| EIO)?;
        let request = FileRequest::List { root: at.root, path: at.path.clone(), start };
        let (FileReply::Names { names, more }, _) = ask(&request)? else { return Err(EIO) };
        if names.is_empty() && more {
            return Err(EIO);
        }
        all.extend(names);
        if !more {
            return Ok(all);
        }
    }
}

/// A regular file of the lower layer. The host's descriptor is asked for when the first byte is read, and
/// given back when nobody has the file open.
pub struct LowerFile {
    at: LowerPath,
    // Inode, size, modification time.
    known: RefCell<ByteBox<[u64; 3]>>,
    handle: HostHandle,
    opens: Cell<u32>,
}

impl LowerFile {
    fn new(at: LowerPath, attributes: &Attributes) -> Self {
        let known = RefCell::new(ByteBox::new(identity(attributes)));
        Self { at, known, handle: HostHandle::default(), opens: Cell::new(0) }
    }

    /// Its length, bytes.
    pub fn size(&self) -> u64 {
        self.known.borrow().load()[1]
    }

    /// The host's descriptor.
    ///
    /// # Errors
    /// As the file server's; `EIO` when the file has changed.
    pub fn connect(&self) -> Result<HostFd, Errno> {
        if let Some(fd) = self.handle.get() {
            return Ok(fd);
        }
        let request = FileRequest::Open { root: self.at.root, path: self.at.path.clone() };
        let (FileReply::Opened(attributes), Some(fd)) = ask(&request)? else { return Err(EIO) };
        if identity(&attributes) != self.known.borrow().load() {
            host::close(fd);
            let text = alloc::format!(
                "{} changed on the host since it was first seen; rebuild the image\n",
                self.at.path.escape_ascii()
            );
            control::log(LogStream::Kernel, text.as_bytes());
            return Err(EIO);
        }
        self.handle.set(fd);
        Ok(fd)
    }

    /// Reads at most `len` bytes.
    ///
    /// # Errors
    /// As [`LowerFile::connect`], `EFAULT`.
    pub fn read(&self, sink: &mut dyn Sink, offset: u64, len: usize) -> Result<usize, Errno> {
        let fd = self.connect()?;
        if let Some(range) = sink.direct() {
            let range = GuestRange::new(range.address.0, range.len.min(len) as u64)?;
            let moved = host::pread_guest(fd, range, offset)?;
            sink.advance(moved);
            return Ok(moved);
        }
        let mut buffer = alloc::vec![0u8; len.min(sink.room()).min(64 << 10)];
        let moved = host::pread(fd, &mut buffer, offset)?;
        sink.put(buffer.get(..moved).unwrap_or_default())
    }

    /// Somebody opened it.
    pub fn opened(&self) {
        self.opens.set(self.opens.get() + 1);
    }

    /// Somebody closed it.
    pub fn closed(&self) {
        self.opens.set(self.opens.get().saturating_sub(1));
        if self.opens.get() == 0 {
            self.handle.close();
        }
    }

    /// State in the I/O table.
    pub fn io_state(&self) -> IoState {
        if self.handle.get().is_some() { IoState::Active } else { IoState::NotReconnected }
    }

    /// Asks for the descriptor now when the file's mode leaves open whether the file server grants it.
    ///
    /// # Errors
    /// As [`LowerFile::connect`].
    pub fn check_granted(&self, mode: u32) -> Result<(), Errno> {
        if mode & 0o004 != 0 {
            return Ok(());
        }
        self.connect().map(drop).map_err(|errno| if errno == crate::errno::EPERM { EACCES } else { errno })
    }

    /// For the list of what an image depends on.
    pub fn dependency(&self) -> dump::LowerFile {
        let [inode, size, modified] = self.known.borrow().load();
        let attributes = Attributes { inode, size, modified_ns: modified.cast_signed(), ..Attributes::default() };
        dump::LowerFile { root: self.at.root, path: self.at.path.clone(), attributes }
    }
}

fn identity(attributes: &Attributes) -> [u64; 3] {
    [attributes.inode, attributes.size, attributes.modified_ns.cast_unsigned()]
}
