//! `inotify(7)`.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::paths::find;
use super::{Context, Outcome};
use crate::errno::{EINVAL, ENOTDIR};
use crate::events::inotify::Inotify;
use crate::fs::file::OpenFlags;
use crate::fs::inode::MAY_READ;
use crate::fs::notify::Happened;
use crate::fs::walk::Follow;

/// `inotify_init1(2)`.
pub fn inotify_init1(context: &mut Context<'_>, flags: u32) -> Outcome {
    let known = OpenFlags::CLOEXEC | OpenFlags::NONBLOCK;
    let flags = OpenFlags::from_bits(flags).filter(|flags| known.contains(*flags)).ok_or(EINVAL)?;
    let table = context.process().descriptors();
    let file = Inotify::open(flags - OpenFlags::CLOEXEC)?;
    Ok(table.add(file, flags.contains(OpenFlags::CLOEXEC))?.0 as usize)
}

/// `inotify_init(2)`.
pub fn inotify_init(context: &mut Context<'_>) -> Outcome {
    inotify_init1(context, 0)
}

/// `inotify_add_watch(2)`.
pub fn inotify_add_watch(context: &mut Context<'_>, fd: Fd, path: UserPath, mask: u32) -> Outcome {
    let mask = Happened::from_bits(mask).filter(|mask| !mask.is_empty()).ok_or(EINVAL)?;
    let file = context.process().descriptors().get_open(fd)?;
    if mask.contains(Happened::MASK_ADD | Happened::MASK_CREATE) {
        return Err(EINVAL.into());
    }
    let instance = file.downcast::<Inotify>().ok_or(EINVAL)?;
    let follow = if mask.contains(Happened::DONT_FOLLOW) { Follow::No } else { Follow::Yes };
    let (walker, found) = find(context, AT_FDCWD, &path.read()?, follow)?;
    let inode = found.existing()?;
    if mask.contains(Happened::ONLY_DIRECTORY) && !inode.is_directory() {
        return Err(ENOTDIR.into());
    }
    inode.check_access(&walker.caller, MAY_READ)?;
    Ok(instance.add(&inode, mask)? as usize)
}

/// `inotify_rm_watch(2)`.
pub fn inotify_rm_watch(context: &mut Context<'_>, fd: Fd, watch: i32) -> Outcome {
    let file = context.process().descriptors().get_open(fd)?;
    file.downcast::<Inotify>().ok_or(EINVAL)?.remove(watch)?;
    Ok(0)
}
