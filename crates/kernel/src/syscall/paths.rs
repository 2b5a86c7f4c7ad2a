//! Calls that walk paths and are no operation on a file: the walk itself, working and root directory, links' targets.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::{Context, Outcome};
use crate::errno::{EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE, Errno};
use crate::fs::data::Data;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::fs::inode::{Caller, Content, Inode, MAY_EXEC, MEMORY_DEVICE, S_IFREG};
use crate::fs::open::{anonymous, opened};
use crate::fs::walk::{Follow, Found, Resolve, Walker};
use crate::kernel;
use crate::task::capability::CAP_SYS_CHROOT;
use crate::user_memory::{UserAddr, copy_out};
use alloc::rc::Rc;

/// `AT_SYMLINK_NOFOLLOW`.
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// `AT_SYMLINK_FOLLOW`.
pub const AT_SYMLINK_FOLLOW: u32 = 0x400;
/// `AT_EMPTY_PATH`.
pub const AT_EMPTY_PATH: u32 = 0x1000;
/// `PATH_MAX`.
const PATH_MAX: usize = 4096;

/// The directory that a relative path starts from.
fn start(context: &Context<'_>, directory: Fd, working: Rc<Inode>) -> Result<Rc<Inode>, Errno> {
    if directory == AT_FDCWD {
        return Ok(working);
    }
    let file = context.process().descriptors().get(directory)?;
    let inode = opened(&file.object).map(|opened| opened.inode.clone()).ok_or(ENOTDIR)?;
    if inode.is_directory() { Ok(inode) } else { Err(ENOTDIR) }
}

/// Walks a path of a call.
pub fn find(context: &Context<'_>, directory: Fd, path: &[u8], follow: Follow) -> Result<(Walker, Found), Errno> {
    find_within(context, directory, path, follow, Resolve::empty())
}

/// Walks a path of a call that may not lead everywhere.
pub fn find_within(
    context: &Context<'_>,
    directory: Fd,
    path: &[u8],
    follow: Follow,
    resolve: Resolve,
) -> Result<(Walker, Found), Errno> {
    let caller = Caller::of(&context.process().credentials.borrow());
    find_as(context, caller, directory, path, follow, resolve)
}

/// Walks a path for somebody else than the process's file-system user (`access(2)`).
pub fn find_as(
    context: &Context<'_>,
    caller: Caller,
    directory: Fd,
    path: &[u8],
    follow: Follow,
    resolve: Resolve,
) -> Result<(Walker, Found), Errno> {
    let fs = context.process().fs();
    let walker = Walker { resolve, ..Walker::new(fs.root(), caller) };
    let working = fs.directory();
    let scoped = resolve.intersects(Resolve::BENEATH | Resolve::IN_ROOT);
    let at = match path.first() {
        None => return Err(ENOENT),
        Some(b'/') if !scoped => working,
        Some(_) => start(context, directory, working)?,
    };
    let found = walker.walk(&at, path, follow)?;
    Ok((walker, found))
}

fn read_link(context: &Context<'_>, directory: Fd, path: &[u8], buffer: UserAddr, len: usize) -> Outcome {
    let inode = if path.is_empty() && directory != AT_FDCWD {
        let file = context.process().descriptors().get(directory)?;
        opened(&file.object).filter(|opened| opened.inode.is_link()).map(|opened| opened.inode.clone()).ok_or(ENOENT)?
    } else {
        find(context, directory, path, Follow::No)?.1.existing()?
    };
    let target = match &inode.content {
        Content::Symlink(target) => target.clone(),
        Content::Magic(link) => link.text().filter(|path| path.len() < PATH_MAX).ok_or(ENAMETOOLONG)?,
        _ => return Err(EINVAL.into()),
    };
    let len = target.len().min(len);
    copy_out(buffer, target.get(..len).unwrap_or_default())?;
    Ok(len)
}

/// `readlink(2)`.
pub fn readlink(context: &mut Context<'_>, path: UserPath, buffer: UserAddr, len: usize) -> Outcome {
    readlinkat(context, AT_FDCWD, path, buffer, len)
}

/// `readlinkat(2)`.
pub fn readlinkat(context: &mut Context<'_>, directory: Fd, path: UserPath, buffer: UserAddr, len: usize) -> Outcome {
    if len as i32 <= 0 {
        return Err(EINVAL.into());
    }
    read_link(context, directory, &path.read()?, buffer, len as i32 as usize)
}

/// `getcwd(2)`.
pub fn getcwd(context: &mut Context<'_>, buffer: UserAddr, len: usize) -> Outcome {
    let fs = context.process().fs();
    let directory = fs.directory();
    if directory.is_removed() {
        return Err(ENOENT.into());
    }
    let mut path = directory.path_below(&fs.root()).unwrap_or_else(|| {
        let mut path = b"(unreachable)".to_vec();
        path.extend(directory.path_below(&kernel().fs.root()).unwrap_or_default());
        path
    });
    path.push(0);
    if path.len() > PATH_MAX {
        return Err(ENAMETOOLONG.into());
    }
    if path.len() > len {
        return Err(ERANGE.into());
    }
    copy_out(buffer, &path)?;
    Ok(path.len())
}

fn change_directory(context: &Context<'_>, directory: &Rc<Inode>) -> Outcome {
    if !directory.is_directory() {
        return Err(ENOTDIR.into());
    }
    let process = context.process();
    directory.check_access(&Caller::of(&process.credentials.borrow()), MAY_EXEC)?;
    process.fs().set_directory(directory.clone());
    Ok(0)
}

/// `chdir(2)`.
pub fn chdir(context: &mut Context<'_>, path: UserPath) -> Outcome {
    let found = find(context, AT_FDCWD, &path.read()?, Follow::Yes)?.1;
    change_directory(context, &found.existing()?)
}

/// `fchdir(2)`.
pub fn fchdir(context: &mut Context<'_>, fd: Fd) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    let inode = opened(&file.object).map(|opened| opened.inode.clone()).ok_or(ENOTDIR)?;
    change_directory(context, &inode)
}

/// `chroot(2)`.
pub fn chroot(context: &mut Context<'_>, path: UserPath) -> Outcome {
    let (walker, found) = find(context, AT_FDCWD, &path.read()?, Follow::Yes)?;
    let directory = found.existing()?;
    if !directory.is_directory() {
        return Err(ENOTDIR.into());
    }
    directory.check_access(&walker.caller, MAY_EXEC)?;
    if !walker.caller.can(CAP_SYS_CHROOT) {
        return Err(EPERM.into());
    }
    context.process().fs().set_root(directory);
    Ok(0)
}

/// `umask(2)`.
pub fn umask(context: &mut Context<'_>, mask: u32) -> Outcome {
    Ok(context.process().fs().umask.replace(mask & 0o777) as usize)
}

/// `memfd_create(2)`.
pub fn memfd_create(context: &mut Context<'_>, name: UserPath, flags: u32) -> Outcome {
    const CLOEXEC: u32 = 1;
    const ALLOW_SEALING: u32 = 2;
    const NOEXEC_SEAL: u32 = 8;
    const EXEC: u32 = 16;
    if flags & !(CLOEXEC | ALLOW_SEALING | NOEXEC_SEAL | EXEC) != 0
        || flags & (NOEXEC_SEAL | EXEC) == NOEXEC_SEAL | EXEC
    {
        return Err(EINVAL.into());
    }
    let name = crate::user_memory::read_string(name.0, 250).map_err(|errno| match errno {
        crate::errno::ENAMETOOLONG => EINVAL,
        other => other,
    })?;
    let process = context.process();
    let caller = Caller::of(&process.credentials.borrow());
    let data = Data::default();
    data.seals.set(Some(match flags & (ALLOW_SEALING | NOEXEC_SEAL) {
        0 => crate::fs::open::SEAL_SEAL,
        ALLOW_SEALING => 0,
        _ => crate::fs::open::SEAL_EXEC,
    }));
    let mode = S_IFREG | if flags & NOEXEC_SEAL != 0 { 0o666 } else { 0o777 };
    let inode = Inode::new(MEMORY_DEVICE, Content::Regular(data), mode, caller.uid, caller.gid);
    inode.change(|meta| meta.links = 0);
    let mut shown = b"/memfd:".to_vec();
    shown.extend_from_slice(&name);
    shown.extend_from_slice(b" (deleted)");
    let file: Rc<OpenFile> = anonymous(inode, &shown, OpenFlags::RDWR | OpenFlags::LARGEFILE);
    Ok(process.descriptors().add(file, flags & CLOEXEC != 0)?.0 as usize)
}
