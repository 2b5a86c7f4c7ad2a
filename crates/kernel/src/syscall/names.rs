//! Names: making, linking, renaming and removing them.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::paths::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, find};
use super::{Context, Outcome};
use crate::errno::{EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EXDEV, Errno};
use crate::fs::data::Data;
use crate::fs::device::Device;
use crate::fs::directory::Directory;
use crate::fs::fifo::Fifo;
use crate::fs::inode::{
    Caller, Content, Inode, LOWER_DEVICES, MAY_EXEC, MAY_READ, MAY_WRITE, PROC_DEVICE, S_IFCHR, S_IFDIR, S_IFIFO,
    S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, S_ISGID, S_ISUID, S_ISVTX, SYS_DEVICE, UPPER_DEVICE,
};
use crate::fs::notify::{self, Happened};
use crate::fs::open::opened;
use crate::fs::walk::{Follow, Found, Last, Walker};
use crate::kernel;
use crate::task::capability::{CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_MKNOD};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// `S_IFBLK`.
const S_IFBLK: u32 = 0o060_000;
/// `AT_REMOVEDIR`.
const AT_REMOVEDIR: u32 = 0x200;

/// Whether the caller may make names in a directory.
///
/// # Errors
/// `ENOENT` when it was removed, `EACCES`.
pub fn check_create(directory: &Rc<Inode>, caller: &Caller) -> Result<(), Errno> {
    if directory.is_removed() {
        return Err(ENOENT);
    }
    directory.check_access(caller, MAY_WRITE | MAY_EXEC)
}

/// Whether the caller may take a name out of a directory (`path_resolution(7)`, and the sticky bit).
fn check_delete(directory: &Rc<Inode>, child: &Rc<Inode>, caller: &Caller) -> Result<(), Errno> {
    directory.check_access(caller, MAY_WRITE | MAY_EXEC)?;
    let meta = directory.meta();
    let own = caller.uid == child.meta().uid || caller.uid == meta.uid || caller.can(CAP_FOWNER);
    if meta.mode & S_ISVTX != 0 && !own { Err(EPERM) } else { Ok(()) }
}

/// `EPERM` where the names belong to the kernel.
fn check_own_names(directory: &Rc<Inode>) -> Result<(), Errno> {
    let fixed =
        matches!(directory.device, PROC_DEVICE | SYS_DEVICE) || !matches!(directory.content, Content::Directory(_));
    if fixed { Err(EPERM) } else { Ok(()) }
}

/// A new inode for a directory, with what it inherits from there.
pub fn new_inode(context: &Context<'_>, walker: &Walker, parent: &Rc<Inode>, content: Content, mode: u32) -> Rc<Inode> {
    let caller = &walker.caller;
    let above = parent.meta();
    let kind = mode & S_IFMT;
    let masked = if kind == S_IFLNK { mode } else { mode & !context.process().fs().umask.get() };
    let mut mode = kind | masked & 0o7777;
    let mut gid = caller.gid;
    if above.mode & S_ISGID != 0 {
        gid = above.gid;
        if kind == S_IFDIR {
            mode |= S_ISGID;
        } else if mode & (S_ISGID | 0o010) == S_ISGID | 0o010 && !caller.in_group(gid) && !caller.can(CAP_FSETID) {
            mode &= !S_ISGID;
        }
    }
    let device = match parent.device {
        device @ (crate::fs::inode::DEV_DEVICE | crate::fs::inode::SHM_DEVICE) => device,
        _ => UPPER_DEVICE,
    };
    Inode::new(device, content, mode, caller.uid, gid)
}

/// Makes an inode in the directory that a walk led to.
///
/// # Errors
/// `EEXIST`, `EACCES`, `ENOENT`, `EPERM`.
pub fn make(
    context: &Context<'_>,
    walker: &Walker,
    found: &Found,
    content: Content,
    mode: u32,
) -> Result<Rc<Inode>, Errno> {
    if found.inode.is_some() || found.last != Last::Name {
        return Err(EEXIST);
    }
    if found.parent.device == PROC_DEVICE {
        return Err(ENOENT);
    }
    check_create(&found.parent, &walker.caller)?;
    check_own_names(&found.parent)?;
    let inode = new_inode(context, walker, &found.parent, content, mode);
    found.parent.insert(&found.name, &inode)?;
    notify::name_changed(&found.parent, &found.name, &inode, Happened::CREATE);
    Ok(inode)
}

/// Finds the place of a new name, which no slash may follow unless it becomes a directory.
fn find_free(context: &Context<'_>, directory: Fd, path: &[u8]) -> Result<(Walker, Found), Errno> {
    let (walker, found) = find(context, directory, path, Follow::Never)?;
    if found.inode.is_some() || found.last != Last::Name {
        return Err(EEXIST);
    }
    if found.slash { Err(ENOENT) } else { Ok((walker, found)) }
}

fn make_directory(context: &Context<'_>, directory: Fd, path: &[u8], mode: u32) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::Never)?;
    make(context, &walker, &found, Content::Directory(Directory::default()), S_IFDIR | mode & 0o1777)?;
    Ok(0)
}

/// `mkdir(2)`.
pub fn mkdir(context: &mut Context<'_>, path: UserPath, mode: u32) -> Outcome {
    make_directory(context, AT_FDCWD, &path.read()?, mode)
}

/// `mkdirat(2)`.
pub fn mkdirat(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32) -> Outcome {
    make_directory(context, directory, &path.read()?, mode)
}

/// A device that anybody may have: the harmless ones, and an overlay's own sign for a removed name.
fn harmless(number: u64) -> Result<Device, Errno> {
    match (number >> 8, number & 0xff) {
        (0, 0) => Ok(Device::Foreign),
        (1, 3) => Ok(Device::Null),
        (1, 5) => Ok(Device::Zero),
        (1, 7) => Ok(Device::Full),
        (1, 8 | 9) => Ok(Device::Random),
        _ => Err(EPERM),
    }
}

fn make_node(context: &Context<'_>, directory: Fd, path: UserPath, mode: u32, number: u64) -> Outcome {
    let kind = match mode & S_IFMT {
        0 => S_IFREG,
        S_IFDIR => return Err(EPERM.into()),
        kind @ (S_IFREG | S_IFIFO | S_IFSOCK | S_IFCHR | S_IFBLK) => kind,
        _ => return Err(EINVAL.into()),
    };
    let (walker, found) = find_free(context, directory, &path.read()?)?;
    check_create(&found.parent, &walker.caller)?;
    let content = match kind {
        S_IFIFO => Content::Fifo(Fifo::default()),
        S_IFSOCK => Content::Socket(RefCell::default()),
        S_IFCHR if number == 0 || walker.caller.can(CAP_MKNOD) => Content::Device(harmless(number)?),
        S_IFCHR | S_IFBLK => return Err(EPERM.into()),
        _ => Content::Regular(Data::default()),
    };
    let inode = make(context, &walker, &found, content, kind | mode & 0o7777)?;
    if kind == S_IFCHR {
        inode.change(|meta| meta.rdev = number);
    }
    Ok(0)
}

/// `mknod(2)`.
pub fn mknod(context: &mut Context<'_>, path: UserPath, mode: u32, device: u64) -> Outcome {
    make_node(context, AT_FDCWD, path, mode, device)
}

/// `mknodat(2)`.
pub fn mknodat(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32, device: u64) -> Outcome {
    make_node(context, directory, path, mode, device)
}

fn make_symlink(context: &Context<'_>, target: Vec<u8>, directory: Fd, path: &[u8]) -> Outcome {
    if target.is_empty() {
        return Err(ENOENT.into());
    }
    let (walker, found) = find_free(context, directory, path)?;
    make(context, &walker, &found, Content::Symlink(target), S_IFLNK | 0o777)?;
    Ok(0)
}

/// `symlink(2)`.
pub fn symlink(context: &mut Context<'_>, target: UserPath, path: UserPath) -> Outcome {
    make_symlink(context, target.read()?, AT_FDCWD, &path.read()?)
}

/// `symlinkat(2)`.
pub fn symlinkat(context: &mut Context<'_>, target: UserPath, directory: Fd, path: UserPath) -> Outcome {
    make_symlink(context, target.read()?, directory, &path.read()?)
}

/// `/proc/sys/fs/protected_hardlinks`: who does not own a file needs to be able to read and write it, and it
/// gives nobody another identity.
fn check_may_link(inode: &Rc<Inode>, caller: &Caller) -> Result<(), Errno> {
    let mode = inode.meta().mode;
    let safe = mode & S_IFMT == S_IFREG
        && mode & S_ISUID == 0
        && mode & (S_ISGID | 0o010) != S_ISGID | 0o010
        && inode.check_access(caller, MAY_READ | MAY_WRITE).is_ok();
    if safe { Ok(()) } else { inode.check_owner(caller) }
}

/// What `linkat(2)` gives another name; none: something that has none in this tree.
fn link_source(context: &Context<'_>, from: Fd, old: &[u8], flags: u32) -> Result<Option<Rc<Inode>>, Errno> {
    if old.is_empty() && flags & AT_EMPTY_PATH != 0 {
        let process = context.process();
        if from == AT_FDCWD {
            return Ok(Some(process.fs().directory()));
        }
        let file = process.descriptors().get(from)?;
        if !Caller::of(&process.credentials.borrow()).can(CAP_DAC_READ_SEARCH) {
            return Err(ENOENT);
        }
        return Ok(opened(&file.object).map(|opened| opened.inode.clone()));
    }
    let follow = if flags & AT_SYMLINK_FOLLOW != 0 { Follow::Yes } else { Follow::No };
    let (_, found) = find(context, from, old, follow)?;
    if found.special.is_some() { Ok(None) } else { found.existing().map(Some) }
}

fn make_link(context: &Context<'_>, from: Fd, old: &[u8], to: Fd, new: &[u8], flags: u32) -> Outcome {
    let inode = link_source(context, from, old, flags)?;
    let (walker, found) = find_free(context, to, new)?;
    let inode = inode.filter(|inode| inode.mount_device() == found.parent.mount_device()).ok_or(EXDEV)?;
    check_may_link(&inode, &walker.caller)?;
    check_create(&found.parent, &walker.caller)?;
    check_own_names(&found.parent)?;
    if inode.is_directory() {
        return Err(EPERM.into());
    }
    if inode.meta().links == 0 && !inode.linkable.get() {
        return Err(ENOENT.into());
    }
    found.parent.insert(&found.name, &inode)?;
    inode.change(|meta| meta.links += 1);
    inode.changed();
    notify::happened_to(&inode, Happened::ATTRIB);
    notify::name_changed(&found.parent, &found.name, &inode, Happened::CREATE);
    Ok(0)
}

/// `link(2)`.
pub fn link(context: &mut Context<'_>, old: UserPath, new: UserPath) -> Outcome {
    make_link(context, AT_FDCWD, &old.read()?, AT_FDCWD, &new.read()?, 0)
}

/// `linkat(2)`.
pub fn linkat(context: &mut Context<'_>, from: Fd, old: UserPath, to: Fd, new: UserPath, flags: u32) -> Outcome {
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    make_link(context, from, &old.read()?, to, &new.read()?, flags)
}

/// An inode lost a name.
fn unlinked(inode: &Rc<Inode>) {
    inode.linkable.set(false);
    inode.change(|meta| meta.links = if inode.is_directory() { 0 } else { meta.links.saturating_sub(1) });
    inode.changed();
}

fn remove_file(context: &Context<'_>, directory: Fd, path: &[u8]) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::Never)?;
    if found.last != Last::Name {
        return Err(EISDIR.into());
    }
    let inode = found.existing()?;
    if found.slash {
        return Err(if inode.is_directory() { EISDIR } else { ENOTDIR }.into());
    }
    check_delete(&found.parent, &inode, &walker.caller)?;
    if inode.is_directory() {
        return Err(EISDIR.into());
    }
    check_own_names(&found.parent)?;
    let removed = found.parent.remove(&found.name)?;
    unlinked(&removed);
    notify::happened_to(&removed, Happened::ATTRIB);
    notify::name_changed(&found.parent, &found.name, &removed, Happened::DELETE);
    Ok(0)
}

fn remove_directory(context: &Context<'_>, directory: Fd, path: &[u8]) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::Never)?;
    match found.last {
        Last::Name => {}
        Last::DotDot => return Err(ENOTEMPTY.into()),
        Last::Root => return Err(EBUSY.into()),
        Last::Dot => return Err(EINVAL.into()),
    }
    let inode = found.existing()?;
    check_delete(&found.parent, &inode, &walker.caller)?;
    if !inode.is_directory() {
        return Err(ENOTDIR.into());
    }
    if is_mount(&inode) {
        return Err(EBUSY.into());
    }
    check_own_names(&found.parent)?;
    if !inode.list()?.is_empty() {
        return Err(ENOTEMPTY.into());
    }
    let Found { parent, name, inode: known, .. } = found;
    unlinked(&parent.remove(&name)?);
    // The directory's own end is told before its parent hears of it.
    drop((inode, known));
    notify::directory_removed(&parent, &name);
    Ok(0)
}

/// `/proc`, `/dev`, `/sys` and the root stay where they are.
fn is_mount(inode: &Rc<Inode>) -> bool {
    match inode.parent() {
        Some(parent) => {
            inode.is_directory() && parent.mount_device() != inode.mount_device() && inode.device < LOWER_DEVICES
        }
        None => Rc::ptr_eq(inode, &kernel().fs.root()),
    }
}

/// `unlink(2)`.
pub fn unlink(context: &mut Context<'_>, path: UserPath) -> Outcome {
    remove_file(context, AT_FDCWD, &path.read()?)
}

/// `unlinkat(2)`.
pub fn unlinkat(context: &mut Context<'_>, directory: Fd, path: UserPath, flags: u32) -> Outcome {
    match flags {
        0 => remove_file(context, directory, &path.read()?),
        AT_REMOVEDIR => remove_directory(context, directory, &path.read()?),
        _ => Err(EINVAL.into()),
    }
}

/// `rmdir(2)`.
pub fn rmdir(context: &mut Context<'_>, path: UserPath) -> Outcome {
    remove_directory(context, AT_FDCWD, &path.read()?)
}

const NOREPLACE: u32 = 1;
const EXCHANGE: u32 = 2;
const WHITEOUT: u32 = 4;

/// What stands at the target's name may be replaced by, or exchanged with, the source.
fn check_replaced(
    source: &Found,
    inode: &Rc<Inode>,
    target: &Found,
    other: &Rc<Inode>,
    caller: &Caller,
    exchange: bool,
) -> Result<(), Errno> {
    check_delete(&target.parent, other, caller)?;
    let as_directory = if exchange { other.is_directory() } else { inode.is_directory() };
    if as_directory && !other.is_directory() {
        return Err(ENOTDIR);
    }
    if !as_directory && other.is_directory() {
        return Err(EISDIR);
    }
    let moves = exchange && other.is_directory() && !Rc::ptr_eq(&source.parent, &target.parent);
    if moves {
        other.check_access(caller, MAY_WRITE)?;
    }
    Ok(())
}

fn rename_at(context: &Context<'_>, from: Fd, old: &[u8], to: Fd, new: &[u8], flags: u32) -> Outcome {
    let exchange = flags & EXCHANGE != 0;
    let (walker, source) = find(context, from, old, Follow::Never)?;
    let (_, target) = find(context, to, new, Follow::Never)?;
    let caller = &walker.caller;
    if source.parent.mount_device() != target.parent.mount_device() {
        return Err(EXDEV.into());
    }
    if source.last != Last::Name {
        return Err(EBUSY.into());
    }
    if target.last != Last::Name {
        return Err(if flags & NOREPLACE != 0 { EEXIST } else { EBUSY }.into());
    }
    let inode = source.existing()?;
    let replaced = target.inode.clone();
    if flags & NOREPLACE != 0 && replaced.is_some() {
        return Err(EEXIST.into());
    }
    if exchange {
        let other = target.existing()?;
        if !other.is_directory() && target.slash {
            return Err(ENOTDIR.into());
        }
    }
    if !inode.is_directory() && (source.slash || !exchange && target.slash) {
        return Err(ENOTDIR.into());
    }
    if inode.is_directory() && inode.contains(&target.parent) {
        return Err(EINVAL.into());
    }
    if replaced.as_ref().is_some_and(|other| other.is_directory() && other.contains(&source.parent)) {
        return Err(if exchange { EINVAL } else { ENOTEMPTY }.into());
    }
    if replaced.as_ref().is_some_and(|other| Rc::ptr_eq(other, &inode)) {
        return Ok(0);
    }
    check_delete(&source.parent, &inode, caller)?;
    match &replaced {
        Some(other) => check_replaced(&source, &inode, &target, other, caller, exchange)?,
        None => check_create(&target.parent, caller)?,
    }
    check_own_names(&source.parent)?;
    check_own_names(&target.parent)?;
    if inode.is_directory() && !Rc::ptr_eq(&source.parent, &target.parent) {
        inode.check_access(caller, MAY_WRITE)?;
    }
    if is_mount(&inode) || replaced.as_ref().is_some_and(is_mount) {
        return Err(EBUSY.into());
    }
    if let Some(other) = replaced.as_ref().filter(|other| other.is_directory() && !exchange)
        && !other.list()?.is_empty()
    {
        return Err(ENOTEMPTY.into());
    }
    if flags & WHITEOUT != 0 {
        // As on an overlay, whose own sign for a removed name a whiteout is.
        return Err(EINVAL.into());
    }
    source.parent.remove(&source.name)?;
    if let Some(other) = &replaced {
        target.parent.remove(&target.name)?;
        if exchange {
            source.parent.insert(&source.name, other)?;
            other.changed();
        } else {
            unlinked(other);
        }
    }
    target.parent.insert(&target.name, &inode)?;
    inode.changed();
    let (here, there) = ((&source.parent, source.name.as_slice()), (&target.parent, target.name.as_slice()));
    match &replaced {
        Some(other) if exchange => {
            notify::moved(here, there, &inode, None);
            notify::moved(there, here, other, None);
        }
        replaced => notify::moved(here, there, &inode, replaced.as_ref()),
    }
    Ok(0)
}

/// `rename(2)`.
pub fn rename(context: &mut Context<'_>, old: UserPath, new: UserPath) -> Outcome {
    rename_at(context, AT_FDCWD, &old.read()?, AT_FDCWD, &new.read()?, 0)
}

/// `renameat(2)`.
pub fn renameat(context: &mut Context<'_>, from: Fd, old: UserPath, to: Fd, new: UserPath) -> Outcome {
    rename_at(context, from, &old.read()?, to, &new.read()?, 0)
}

/// `renameat2(2)`.
pub fn renameat2(context: &mut Context<'_>, from: Fd, old: UserPath, to: Fd, new: UserPath, flags: u32) -> Outcome {
    if flags & !(NOREPLACE | EXCHANGE | WHITEOUT) != 0 || flags & EXCHANGE != 0 && flags != EXCHANGE {
        return Err(EINVAL.into());
    }
    rename_at(context, from, &old.read()?, to, &new.read()?, flags)
}
