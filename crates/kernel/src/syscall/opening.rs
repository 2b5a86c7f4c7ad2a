//! Opening files by name, and making files without one.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::names::{check_create, make};
use super::paths::find_within;
use super::{Context, Outcome};
use crate::errno::{E2BIG, EAGAIN, EEXIST, EINVAL, EISDIR, ENOTDIR, EOPNOTSUPP, Errno};
use crate::fs::data::Data;
use crate::fs::file::OpenFlags;
use crate::fs::inode::{Content, PROC_DEVICE, Place, S_IFREG, SYS_DEVICE};
use crate::fs::notify::{self, Happened};
use crate::fs::open::{Made, anonymous, open_found};
use crate::fs::walk::{Follow, Last, Resolve};
use crate::user_memory::{UserAddr, UserPtr, copy_in};

/// What an opening call wants.
struct How {
    flags: OpenFlags,
    mode: u32,
    resolve: Resolve,
}

impl How {
    /// As `open(2)` takes it: what it does not know is dropped.
    fn lenient(flags: u32, mode: u32) -> Result<Self, Errno> {
        let mut flags = OpenFlags::from_bits_truncate(flags) | OpenFlags::LARGEFILE;
        if flags.contains(OpenFlags::PATH) {
            flags &= OpenFlags::OF_PATH;
        }
        Self { flags, mode: mode & 0o7777, resolve: Resolve::empty() }.checked()
    }

    /// As `openat2(2)` takes it: what it does not know is refused.
    fn strict([flags, mode, resolve]: [u64; 3]) -> Result<Self, Errno> {
        let flags = u32::try_from(flags).ok().and_then(OpenFlags::from_bits).ok_or(EINVAL)?;
        let mode = u32::try_from(mode).map_err(|_| EINVAL)?;
        let resolve = u32::try_from(resolve).ok().and_then(Resolve::from_bits).ok_or(EINVAL)?;
        if resolve.contains(Resolve::BENEATH | Resolve::IN_ROOT) {
            return Err(EINVAL);
        }
        if flags.contains(OpenFlags::PATH) && !(flags - OpenFlags::OF_PATH).is_empty() {
            return Err(EINVAL);
        }
        let makes = flags.intersects(OpenFlags::CREAT | OpenFlags::TMPFILE);
        if mode & !0o7777 != 0 || mode != 0 && !makes {
            return Err(EINVAL);
        }
        Self { flags, mode, resolve }.checked()
    }

    fn checked(self) -> Result<Self, Errno> {
        let flags = self.flags;
        if flags.contains(OpenFlags::TMPFILE) {
            let wanted = OpenFlags::TMPFILE | OpenFlags::DIRECTORY;
            if flags & (wanted | OpenFlags::CREAT) != wanted || !flags.asks_to_write() {
                return Err(EINVAL);
            }
        }
        if flags.contains(OpenFlags::CREAT | OpenFlags::DIRECTORY) {
            return Err(EINVAL);
        }
        let changes = OpenFlags::CREAT | OpenFlags::TRUNC | OpenFlags::TMPFILE;
        if self.resolve.contains(Resolve::CACHED) && flags.intersects(changes) {
            return Err(EAGAIN);
        }
        Ok(self)
    }
}

fn open_temporary(context: &Context<'_>, directory: Fd, path: &[u8], how: &How) -> Outcome {
    let flags = how.flags;
    let follow = if flags.contains(OpenFlags::NOFOLLOW) { Follow::No } else { Follow::Yes };
    let (walker, found) = find_within(context, directory, path, follow, how.resolve)?;
    let parent = found.existing()?;
    if !parent.is_directory() {
        return Err(ENOTDIR.into());
    }
    check_create(&parent, &walker.caller)?;
    if matches!(parent.device, PROC_DEVICE | SYS_DEVICE) {
        return Err(EOPNOTSUPP.into());
    }
    let inode =
        super::names::new_inode(context, &walker, &parent, Content::Regular(Data::default()), S_IFREG | how.mode);
    inode.change(|meta| meta.links = 0);
    inode.linkable.set(!flags.contains(OpenFlags::EXCL));
    let mut name = parent.path_below(&walker.root).unwrap_or_default();
    name.extend_from_slice(alloc::format!("/#{} (deleted)", inode.meta().number).as_bytes());
    let kept = flags - (OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC | OpenFlags::CLOEXEC);
    let file = anonymous(inode, &name, kept);
    let table = context.process().descriptors();
    Ok(table.add(file, flags.contains(OpenFlags::CLOEXEC))?.0 as usize)
}

fn open_at(context: &Context<'_>, directory: Fd, path: UserPath, how: &How) -> Outcome {
    let path = path.read()?;
    let flags = how.flags;
    let table = context.process().descriptors();
    if path.is_empty() {
        return Err(crate::errno::ENOENT.into());
    }
    // Before anything is made.
    table.check_room()?;
    if flags.contains(OpenFlags::TMPFILE) {
        return open_temporary(context, directory, &path, how);
    }
    let exclusive = flags.contains(OpenFlags::CREAT | OpenFlags::EXCL);
    let creates = flags.contains(OpenFlags::CREAT);
    let follow = if creates && path.ends_with(b"/") {
        // The slash is refused before the name is looked at.
        Follow::Never
    } else if flags.contains(OpenFlags::NOFOLLOW) || exclusive {
        Follow::No
    } else if creates {
        Follow::ToMake
    } else {
        Follow::Yes
    };
    let (walker, mut found) = find_within(context, directory, &path, follow, how.resolve)?;
    let mut made = Made::Before;
    if creates {
        if found.last == Last::Name && found.slash {
            return Err(EISDIR.into());
        }
        if exclusive && found.inode.is_some() {
            return Err(EEXIST.into());
        }
        if found.inode.is_none() {
            found.inode = Some(make(context, &walker, &found, Content::Regular(Data::default()), S_IFREG | how.mode)?);
            made = Made::Now;
        }
    }
    let file = open_found(context, &walker, &found, flags, made)?;
    if let Some(inode) = found.inode.as_ref().filter(|_| found.special.is_none() && !flags.contains(OpenFlags::PATH)) {
        let place = found.place.unwrap_or(Place { parent: Some(found.parent), name: found.name });
        notify::happened(inode, Some(&place), Happened::OPEN);
        if flags.contains(OpenFlags::TRUNC) && made == Made::Before && inode.data().is_some() {
            notify::happened(inode, Some(&place), Happened::MODIFY);
        }
    }
    Ok(table.add(file, flags.contains(OpenFlags::CLOEXEC))?.0 as usize)
}

/// `open(2)`.
pub fn open(context: &mut Context<'_>, path: UserPath, flags: u32, mode: u32) -> Outcome {
    open_at(context, AT_FDCWD, path, &How::lenient(flags, mode)?)
}

/// `openat(2)`.
pub fn openat(context: &mut Context<'_>, directory: Fd, path: UserPath, flags: u32, mode: u32) -> Outcome {
    open_at(context, directory, path, &How::lenient(flags, mode)?)
}

/// `creat(2)`.
pub fn creat(context: &mut Context<'_>, path: UserPath, mode: u32) -> Outcome {
    let flags = OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC;
    open_at(context, AT_FDCWD, path, &How::lenient(flags.bits(), mode)?)
}

/// `openat2(2)`.
pub fn openat2(
    context: &mut Context<'_>,
    directory: Fd,
    path: UserPath,
    how: UserPtr<[u64; 3]>,
    size: usize,
) -> Outcome {
    const KNOWN: usize = 24;
    if size < KNOWN {
        return Err(EINVAL.into());
    }
    if size > 4096 {
        return Err(E2BIG.into());
    }
    check_zero(how.at(1).address(), size - KNOWN)?;
    let how = How::strict(how.read()?)?;
    open_at(context, directory, path, &how)
}

/// Fields of the future must be zero.
fn check_zero(from: UserAddr, len: usize) -> Result<(), Errno> {
    let mut bytes = alloc::vec![0u8; len];
    copy_in(&mut bytes, from)?;
    if bytes.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(E2BIG) }
}
