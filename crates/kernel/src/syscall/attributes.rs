//! Extended attributes (`xattr(7)`). They are kept as an in-memory file system keeps them; those of files of the
//! host are not shown.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::files::{Named, by_descriptor, by_path};
use super::paths::AT_SYMLINK_NOFOLLOW;
use super::{Context, Outcome};
use crate::errno::{E2BIG, EBADF, EEXIST, EINVAL, ENAMETOOLONG, ENODATA, ENOSPC, EOPNOTSUPP, EPERM, ERANGE, Errno};
use crate::fs::file::OpenFlags;
use crate::fs::inode::{Caller, Inode, MAY_READ, MAY_WRITE, PROC_DEVICE, S_IFDIR, S_IFREG, S_ISVTX, SYS_DEVICE};
use crate::fs::notify::{self, Happened};
use crate::task::capability::CAP_SETFCAP;
use crate::task::capability::CAP_SYS_ADMIN;
use crate::user_memory::{UserAddr, copy_in, copy_out, read_string};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// `XATTR_NAME_MAX`.
const NAME_MAX: usize = 255;
/// `XATTR_SIZE_MAX`.
const SIZE_MAX: usize = 65536;
/// Most bytes and most attributes of one inode, as on tmpfs.
const TOTAL_MAX: usize = 128 << 10;
const COUNT_MAX: usize = 128;
/// `XATTR_CREATE`, `XATTR_REPLACE`.
const CREATE: u32 = 1;
const REPLACE: u32 = 2;
/// Which capabilities a program gives.
const CAPABILITY: &[u8] = b"security.capability";

fn name_from(name: UserPath) -> Result<Vec<u8>, Errno> {
    match read_string(name.0, NAME_MAX + 1) {
        Ok(name) if name.is_empty() => Err(ERANGE),
        Err(ENAMETOOLONG) => Err(ERANGE),
        other => other,
    }
}

/// Whether the caller may do this (`MAY_READ`, `MAY_WRITE`) with an attribute of this name.
fn check(inode: &Rc<Inode>, caller: &Caller, name: &[u8], wanted: u32) -> Result<(), Errno> {
    let refused = if wanted == MAY_WRITE { EPERM } else { ENODATA };
    let meta = inode.meta();
    let prefixed = |prefix: &[u8]| name.starts_with(prefix);
    if prefixed(b"security.") {
        let needed = if name == CAPABILITY { CAP_SETFCAP } else { CAP_SYS_ADMIN };
        if wanted == MAY_WRITE && !caller.can(needed) {
            return Err(EPERM);
        }
    } else if prefixed(b"trusted.") {
        if !caller.can(CAP_SYS_ADMIN) {
            return Err(refused);
        }
    } else if prefixed(b"user.") {
        let kind = inode.file_type();
        if kind != S_IFREG && kind != S_IFDIR {
            return Err(refused);
        }
        if kind == S_IFDIR && meta.mode & S_ISVTX != 0 && wanted == MAY_WRITE {
            inode.check_owner(caller)?;
        }
        inode.check_access(caller, wanted)?;
    } else if !prefixed(b"system.") {
        inode.check_access(caller, wanted)?;
    }
    Ok(())
}

/// `EOPNOTSUPP` for names that no file here has.
fn check_kind(inode: &Rc<Inode>, name: &[u8]) -> Result<(), Errno> {
    let known = [b"user.".as_slice(), b"trusted.", b"security."];
    if known.contains(&name) {
        return Err(EINVAL);
    }
    let held = known.iter().any(|prefix| name.starts_with(prefix));
    if held && !matches!(inode.device, PROC_DEVICE | SYS_DEVICE) { Ok(()) } else { Err(EOPNOTSUPP) }
}

/// `EINVAL` for capabilities that are none: `struct vfs_cap_data`, second or third version.
fn check_capability(name: &[u8], value: &[u8]) -> Result<(), Errno> {
    let valid = matches!((value.len(), value.get(3)), (20, Some(2)) | (24, Some(3)));
    if name != CAPABILITY || valid { Ok(()) } else { Err(EINVAL) }
}

/// What an object without inode answers: as any file that is neither regular nor a directory.
fn refused(name: &[u8], wanted: u32) -> Errno {
    match (name.starts_with(b"user."), wanted) {
        (true, MAY_READ) => ENODATA,
        (true, _) => EPERM,
        _ => EOPNOTSUPP,
    }
}

/// What a call names: its inode, and where it was found.
type Target = Result<Named, Errno>;

fn open_target(context: &Context<'_>, fd: Fd) -> Target {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) { Err(EBADF) } else { by_descriptor(context, fd) }
}

fn path_target(context: &Context<'_>, path: UserPath, flags: u32) -> Target {
    by_path(context, AT_FDCWD, &path.read()?, flags)
}

fn set(
    context: &Context<'_>,
    target: impl FnOnce(&Context<'_>) -> Target,
    name: UserPath,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Outcome {
    if flags & !(CREATE | REPLACE) != 0 {
        return Err(EINVAL.into());
    }
    let name = name_from(name)?;
    if size > SIZE_MAX {
        return Err(E2BIG.into());
    }
    let mut bytes = alloc::vec![0u8; size];
    copy_in(&mut bytes, value)?;
    let Named::Inode(inode, place) = target(context)? else { return Err(refused(&name, MAY_WRITE).into()) };
    let caller = Caller::of(&context.process().credentials.borrow());
    check_capability(&name, &bytes)?;
    check(&inode, &caller, &name, MAY_WRITE)?;
    check_kind(&inode, &name)?;
    {
        let mut all = inode.attributes.borrow_mut();
        let known = all.iter().position(|(known, _)| *known == name);
        match known {
            Some(_) if flags & CREATE != 0 => return Err(EEXIST.into()),
            None if flags & REPLACE != 0 => return Err(ENODATA.into()),
            _ => {}
        }
        let others = all.iter().filter(|(known, _)| *known != name);
        let total: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if total + name.len() + bytes.len() > TOTAL_MAX || known.is_none() && all.len() >= COUNT_MAX {
            return Err(ENOSPC.into());
        }
        match known.and_then(|index| all.get_mut(index)) {
            Some((_, value)) => *value = bytes,
            None => all.push((name, bytes)),
        }
    }
    inode.changed();
    notify::happened(&inode, place.as_ref(), Happened::ATTRIB);
    Ok(0)
}

/// Hands out bytes; without room it tells only how many there are.
fn hand_out(bytes: &[u8], to: UserAddr, size: usize) -> Outcome {
    if size == 0 {
        return Ok(bytes.len());
    }
    if size < bytes.len() {
        return Err(ERANGE.into());
    }
    copy_out(to, bytes)?;
    Ok(bytes.len())
}

fn get(
    context: &Context<'_>,
    target: impl FnOnce(&Context<'_>) -> Target,
    name: UserPath,
    value: UserAddr,
    size: usize,
) -> Outcome {
    let name = name_from(name)?;
    let Named::Inode(inode, _) = target(context)? else { return Err(refused(&name, MAY_READ).into()) };
    let caller = Caller::of(&context.process().credentials.borrow());
    check(&inode, &caller, &name, MAY_READ)?;
    check_kind(&inode, &name)?;
    let all = inode.attributes.borrow();
    let (_, bytes) = all.iter().find(|(known, _)| *known == name).ok_or(ENODATA)?;
    hand_out(bytes, value, size)
}

fn list(context: &Context<'_>, target: impl FnOnce(&Context<'_>) -> Target, to: UserAddr, size: usize) -> Outcome {
    let Named::Inode(inode, _) = target(context)? else { return Ok(0) };
    let trusted = context.process().credentials.borrow().is_capable(CAP_SYS_ADMIN);
    let mut names = Vec::new();
    for (name, _) in inode.attributes.borrow().iter() {
        if trusted || !name.starts_with(b"trusted.") {
            names.extend_from_slice(name);
            names.push(0);
        }
    }
    hand_out(&names, to, size)
}

fn remove(context: &Context<'_>, target: impl FnOnce(&Context<'_>) -> Target, name: UserPath) -> Outcome {
    let name = name_from(name)?;
    let Named::Inode(inode, place) = target(context)? else { return Err(refused(&name, MAY_WRITE).into()) };
    let caller = Caller::of(&context.process().credentials.borrow());
    check(&inode, &caller, &name, MAY_WRITE)?;
    check_kind(&inode, &name)?;
    let known = inode.attributes.borrow().iter().position(|(known, _)| *known == name).ok_or(ENODATA)?;
    inode.attributes.borrow_mut().remove(known);
    inode.changed();
    notify::happened(&inode, place.as_ref(), Happened::ATTRIB);
    Ok(0)
}

/// `setxattr(2)`.
pub fn setxattr(
    context: &mut Context<'_>,
    path: UserPath,
    name: UserPath,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Outcome {
    set(context, |context| path_target(context, path, 0), name, value, size, flags)
}

/// `lsetxattr(2)`.
pub fn lsetxattr(
    context: &mut Context<'_>,
    path: UserPath,
    name: UserPath,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Outcome {
    set(context, |context| path_target(context, path, AT_SYMLINK_NOFOLLOW), name, value, size, flags)
}

/// `fsetxattr(2)`.
pub fn fsetxattr(
    context: &mut Context<'_>,
    fd: Fd,
    name: UserPath,
    value: UserAddr,
    size: usize,
    flags: u32,
) -> Outcome {
    set(context, |context| open_target(context, fd), name, value, size, flags)
}

/// `getxattr(2)`.
pub fn getxattr(context: &mut Context<'_>, path: UserPath, name: UserPath, value: UserAddr, size: usize) -> Outcome {
    get(context, |context| path_target(context, path, 0), name, value, size)
}

/// `lgetxattr(2)`.
pub fn lgetxattr(context: &mut Context<'_>, path: UserPath, name: UserPath, value: UserAddr, size: usize) -> Outcome {
    get(context, |context| path_target(context, path, AT_SYMLINK_NOFOLLOW), name, value, size)
}

/// `fgetxattr(2)`.
pub fn fgetxattr(context: &mut Context<'_>, fd: Fd, name: UserPath, value: UserAddr, size: usize) -> Outcome {
    get(context, |context| open_target(context, fd), name, value, size)
}

/// `listxattr(2)`.
pub fn listxattr(context: &mut Context<'_>, path: UserPath, to: UserAddr, size: usize) -> Outcome {
    list(context, |context| path_target(context, path, 0), to, size)
}

/// `llistxattr(2)`.
pub fn llistxattr(context: &mut Context<'_>, path: UserPath, to: UserAddr, size: usize) -> Outcome {
    list(context, |context| path_target(context, path, AT_SYMLINK_NOFOLLOW), to, size)
}

/// `flistxattr(2)`.
pub fn flistxattr(context: &mut Context<'_>, fd: Fd, to: UserAddr, size: usize) -> Outcome {
    list(context, |context| open_target(context, fd), to, size)
}

/// `removexattr(2)`.
pub fn removexattr(context: &mut Context<'_>, path: UserPath, name: UserPath) -> Outcome {
    remove(context, |context| path_target(context, path, 0), name)
}

/// `lremovexattr(2)`.
pub fn lremovexattr(context: &mut Context<'_>, path: UserPath, name: UserPath) -> Outcome {
    remove(context, |context| path_target(context, path, AT_SYMLINK_NOFOLLOW), name)
}

/// `fremovexattr(2)`.
pub fn fremovexattr(context: &mut Context<'_>, fd: Fd, name: UserPath) -> Outcome {
    remove(context, |context| open_target(context, fd), name)
}
