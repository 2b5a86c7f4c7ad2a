//! What lies under the roots: finding, describing, listing and opening it.
//!
//! A path is resolved by `openat2` beneath the descriptor of its root, with no symbolic link followed,
//! into an `O_PATH` descriptor: that has no effect on whatever is there, be it a device or a FIFO.
//! Everything else is asked of that descriptor. To open it for reading, its link in `/proc/self/fd` is
//! opened, which leads to the same inode however the path has changed since; so a path that is swapped
//! for something else meanwhile changes nothing.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use abi::files::Attributes;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use rustix::path::DecInt;

use crate::listing::Listing;
use crate::{Config, Error};

/// Flags with which a regular file is opened. `NONBLOCK`: a lease on the file must not make us wait.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// How anything is looked at.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How far a path may lead.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The roots, held open.
pub struct Tree {
    roots: Vec<Root>,
    /// `/proc/self/fd`, opened before the confinement made it unreachable.
    descriptors: OwnedFd,
}

/// One root.
pub struct Root {
    /// `O_PATH`.
    pub fd: OwnedFd,
    /// A directory, not a regular file.
    pub directory: bool,
    world_readable_only: bool,
}

/// An `O_PATH` descriptor.
enum Found<'a> {
    /// The root itself.
    Root(BorrowedFd<'a>),
    /// Something beneath.
    Beneath(OwnedFd),
}

impl AsFd for Found<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Found::Root(fd) => *fd,
            Found::Beneath(fd) => fd.as_fd(),
        }
    }
}

impl Tree {
    /// Opens the roots.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let descriptors = rustix::fs::open("/proc/self/fd", LOOK | OFlags::DIRECTORY, Mode::empty())
            .map_err(|errno| Error::Procfs(errno.into()))?;
        let mut roots = Vec::with_capacity(config.roots.len());
        for root in &config.roots {
            let failed = |errno: Errno| Error::Root { path: root.path.clone(), source: errno.into() };
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let cwd = rustix::fs::CWD;
            // `openat2` already here, so that a kernel without it is noticed at once.
            let fd =
                rustix::fs::openat2(cwd, &root.path, flags, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
            let directory = match file_type(&rustix::fs::fstat(&fd).map_err(failed)?) {
                FileType::Directory => true,
                FileType::RegularFile => false,
                _ => return Err(Error::NotShowable(root.path.clone())),
            };
            if on_pseudo_file_system(fd.as_fd()).map_err(failed)? {
                return Err(Error::PseudoFileSystem(root.path.clone()));
            }
            roots.push(Root { fd, directory, world_readable_only: root.world_readable_only });
        }
        Ok(Self { roots, descriptors })
    }

    /// The roots.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// `/proc/self/fd`.
    pub fn descriptors(&self) -> BorrowedFd<'_> {
        self.descriptors.as_fd()
    }

    /// No root shows more than what everybody may read.
    pub fn world_readable_only(&self) -> bool {
        self.roots.iter().all(|root| root.world_readable_only)
    }

    /// Attributes, and the target when it is a symbolic link.
    pub fn lookup(&self, root: u16, path: &[u8]) -> Result<(Attributes, Vec<u8>), Errno> {
        let (found, stat) = self.find(self.root(root)?, path)?;
        let mut target = Vec::new();
        if file_type(&stat) == FileType::Symlink {
            let mut buffer = [MaybeUninit::uninit(); libc::PATH_MAX as usize];
            let (bytes, _) = rustix::fs::readlinkat_raw(&found, c"", &mut buffer[..])?;
            target.extend_from_slice(bytes);
        }
        Ok((attributes(&stat), target))
    }

    /// Opens a regular file for reading.
    pub fn open_file(&self, root: u16, path: &[u8]) -> Result<(Attributes, OwnedFd), Errno> {
        let root = self.root(root)?;
        let (found, stat) = self.find(root, path)?;
        match file_type(&stat) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(Errno::ISDIR),
            FileType::Symlink => return Err(Errno::LOOP),
            FileType::Socket => return Err(Errno::NXIO),
            // Devices and FIFOs of the host: what a `nodev` mount says of a device.
            _ => return Err(Errno::ACCESS),
        }
        root.check(&stat, Mode::ROTH)?;
        Ok((attributes(&stat), self.reopen(&found, READ)?))
    }

    /// Reads a directory.
    pub fn list(&self, root: u16, path: &[u8]) -> Result<Listing, Errno> {
        let root = self.root(root)?;
        let (found, stat) = self.find(root, path)?;
        if file_type(&stat) != FileType::Directory {
            return Err(Errno::NOTDIR);
        }
        root.check(&stat, Mode::ROTH)?;
        Listing::read(&self.reopen(&found, READ | OFlags::DIRECTORY)?)
    }

    fn root(&self, number: u16) -> Result<&Root, Errno> {
        self.roots.get(usize::from(number)).ok_or(Errno::NOENT)
    }

    /// Opens for reading exactly what `found` refers to. The caller has seen to it that this has no
    /// effect: it is a regular file or a directory.
    fn reopen(&self, found: &Found<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
        let number = DecInt::new(found.as_fd().as_raw_fd());
        rustix::fs::openat(&self.descriptors, number, flags, Mode::empty())
    }

    /// Finds what `path` names, not following it should it be a symbolic link.
    fn find<'a>(&self, root: &'a Root, path: &[u8]) -> Result<(Found<'a>, Stat), Errno> {
        let mut found = Found::Root(root.fd.as_fd());
        if !path.is_empty() {
            if !path.split(|byte| *byte == b'/').all(is_plain_name) {
                return Err(Errno::INVAL);
            }
            if root.world_readable_only {
                // The kernel checks what *we* may do, and we may own what is closed to others: so each
                // directory on the way is looked at, through the descriptor that the next step uses.
                for name in path.split(|byte| *byte == b'/') {
                    let stat = rustix::fs::fstat(&found)?;
                    match file_type(&stat) {
                        FileType::Directory => root.check(&stat, Mode::XOTH)?,
                        FileType::Symlink => return Err(Errno::LOOP),
                        _ => return Err(Errno::NOTDIR),
                    }
                    found = look(&found, name)?;
                }
            } else {
                found = look(&found, path)?;
            }
        }
        if on_pseudo_file_system(found.as_fd())? {
            return Err(Errno::ACCESS);
        }
        let stat = rustix::fs::fstat(&found)?;
        Ok((found, stat))
    }
}

impl Root {
    /// Whether everybody has `needed`, where this root shows only that.
    fn check(&self, stat: &Stat, needed: Mode) -> Result<(), Errno> {
        if self.world_readable_only && !Mode::from_raw_mode(stat.st_mode).contains(needed) {
            return Err(Errno::ACCESS);
        }
        Ok(())
    }
}

fn look<'a>(at: &Found<'_>, path: &[u8]) -> Result<Found<'a>, Errno> {
    Ok(Found::Beneath(rustix::fs::openat2(at, path, LOOK, Mode::empty(), BENEATH)?))
}

/// Whether a component of a path is one that the kernel of a guest sends.
fn is_plain_name(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && !name.contains(&0)
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn attributes(stat: &Stat) -> Attributes {
    let ns = |seconds: i64, ns: u64| {
        seconds.saturating_mul(1_000_000_000).saturating_add(i64::try_from(ns).unwrap_or_default())
    };
    Attributes {
        inode: stat.st_ino,
        mode: stat.st_mode,
        links: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        blocks: u64::try_from(stat.st_blocks).unwrap_or_default(),
        accessed_ns: ns(stat.st_atime, stat.st_atime_nsec),
        modified_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
        changed_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// File systems whose regular files are no files: reading one acts on the kernel, waits, or tells
/// about other processes. Magic numbers of `linux/magic.h` and, where it has none, of the file system.
const PSEUDO_FILE_SYSTEMS: [u32; 27] = [
    0x0000_9fa0, // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x0000_1cd1, // devpts
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xf97c_ff8c, // selinuxfs
    0x4341_5d53, // smackfs
    0x5a3c_69f0, // apparmorfs
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0x4249_4e4d, // binfmt_misc
    0x6265_6570, // configfs
    0x6573_5543, // fusectl
    0x1980_0202, // mqueue
    0x6e73_6673, // nsfs
    0x5049_5045, // pipefs
    0x534f_434b, // sockfs
    0x0904_1934, // anonymous inodes
    0x6759_6969, // rpc_pipefs
    0x6e66_7364, // nfsd
    0xabba_1974, // xenfs
    0x0765_5821, // resctrl
    0x6c6f_6f70, // binderfs
];

fn on_pseudo_file_system(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    // The magic numbers have 32 bits; the field is wider, and on some paths sign-extended.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let magic = rustix::fs::fstatfs(fd)?.f_type as u32;
    Ok(PSEUDO_FILE_SYSTEMS.contains(&magic))
}
