//! Calls that name files: opening, making, removing, renaming.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::{Context, Outcome};
use crate::errno::{EACCES, EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, ERANGE, EXDEV, Errno};
use crate::fs::data::Data;
use crate::fs::device::Device;
use crate::fs::directory::Directory;
use crate::fs::fifo::Fifo;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::fs::inode::{
    Caller, Content, Inode, MAY_EXEC, MAY_WRITE, PROC_DEVICE, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG,
    S_IFSOCK, S_ISGID, S_ISVTX, SYS_DEVICE, UPPER_DEVICE,
};
use crate::fs::open::{Made, anonymous, open_found, opened};
use crate::fs::walk::{Follow, Found, Last, Walker};
use crate::fs::walker;
use crate::kernel;
use crate::user_memory::{UserAddr, UserPtr, copy_out};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// `AT_SYMLINK_NOFOLLOW`.
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// `AT_REMOVEDIR`.
const AT_REMOVEDIR: u32 = 0x200;
/// `AT_SYMLINK_FOLLOW`.
const AT_SYMLINK_FOLLOW: u32 = 0x400;
/// `AT_EMPTY_PATH`.
pub const AT_EMPTY_PATH: u32 = 0x1000;

/// The directory that a relative path starts from.
fn start(context: &Context<'_>, directory: Fd, path: &[u8], working: Rc<Inode>) -> Result<Rc<Inode>, Errno> {
    if directory == AT_FDCWD || path.first() == Some(&b'/') {
        return Ok(working);
    }
    let file = context.process().descriptors().get(directory)?;
    let inode = opened(&file.object).map(|opened| opened.inode.clone()).ok_or(ENOTDIR)?;
    if inode.is_directory() { Ok(inode) } else { Err(ENOTDIR) }
}

/// Walks a path of a call.
pub fn find(context: &Context<'_>, directory: Fd, path: &[u8], follow: Follow) -> Result<(Walker, Found), Errno> {
    let (walker, working) = walker(&context.process());
    let at = start(context, directory, path, working)?;
    let found = walker.walk(&at, path, follow)?;
    Ok((walker, found))
}

/// Whether the caller may add or remove names in a directory.
fn check_change(directory: &Rc<Inode>, caller: &Caller) -> Result<(), Errno> {
    directory.check_access(caller, MAY_WRITE | MAY_EXEC)?;
    match directory.device {
        PROC_DEVICE => Err(ENOENT),
        SYS_DEVICE => Err(EPERM),
        _ => Ok(()),
    }
}

/// Whether a sticky directory keeps the caller from removing a name.
fn check_sticky(directory: &Rc<Inode>, child: &Rc<Inode>, caller: &Caller) -> Result<(), Errno> {
    let meta = directory.meta();
    let bound = meta.mode & S_ISVTX != 0 && !caller.is_root();
    if bound && caller.uid != child.meta().uid && caller.uid != meta.uid { Err(EPERM) } else { Ok(()) }
}

/// Makes an inode in the directory that a walk led to.
fn make(
    context: &Context<'_>,
    walker: &Walker,
    found: &Found,
    content: Content,
    mode: u32,
) -> Result<Rc<Inode>, Errno> {
    if found.inode.is_some() || found.last != Last::Name {
        return Err(EEXIST);
    }
    check_change(&found.parent, &walker.caller)?;
    let parent = found.parent.meta();
    let kind = mode & S_IFMT;
    let masked = if kind == S_IFLNK { mode } else { mode & !context.process().fs().umask.get() };
    let mut mode = kind | masked & 0o7777;
    let mut gid = walker.caller.gid;
    if parent.mode & S_ISGID != 0 {
        gid = parent.gid;
        if kind == S_IFDIR {
            mode |= S_ISGID;
        }
    }
    let inode = Inode::new(UPPER_DEVICE, content, mode, walker.caller.uid, gid);
    found.parent.insert(&found.name, &inode)?;
    Ok(inode)
}

fn open_at(context: &Context<'_>, directory: Fd, path: &[u8], flags: u32, mode: u32) -> Outcome {
    let mut flags = OpenFlags::from_bits_truncate(flags);
    let close_on_exec = flags.contains(OpenFlags::CLOEXEC);
    let access = flags & (OpenFlags::WRONLY | OpenFlags::RDWR);
    let table = context.process().descriptors();
    if flags.contains(OpenFlags::PATH) {
        flags &= OpenFlags::PATH | OpenFlags::DIRECTORY | OpenFlags::NOFOLLOW | OpenFlags::CLOEXEC;
    }
    if flags.contains(OpenFlags::TMPFILE) {
        if !flags.contains(OpenFlags::DIRECTORY) || !flags.writable() {
            return Err(EINVAL.into());
        }
        let (walker, found) = find(context, directory, path, Follow::Yes)?;
        let parent = found.existing()?;
        if !parent.is_directory() {
            return Err(ENOTDIR.into());
        }
        check_change(&parent, &walker.caller)?;
        let mode = S_IFREG | mode & !context.process().fs().umask.get() & 0o7777;
        let inode =
            Inode::new(UPPER_DEVICE, Content::Regular(Data::default()), mode, walker.caller.uid, walker.caller.gid);
        inode.change(|meta| meta.links = 0);
        let name = alloc::format!("#{} (deleted)", inode.meta().number);
        let file = anonymous(inode, name.as_bytes(), access);
        return Ok(table.add(file, close_on_exec)?.0 as usize);
    }
    let exclusive = flags.contains(OpenFlags::CREAT | OpenFlags::EXCL);
    let follow = if flags.contains(OpenFlags::NOFOLLOW) || exclusive { Follow::No } else { Follow::Yes };
    let (walker, mut found) = find(context, directory, path, follow)?;
    let mut made = Made::Before;
    if flags.contains(OpenFlags::CREAT) {
        if found.last != Last::Name {
            return Err(if exclusive { EEXIST } else { EISDIR }.into());
        }
        if found.inode.is_some() && exclusive {
            return Err(EEXIST.into());
        }
        if found.inode.is_none() {
            if found.slash {
                return Err(EISDIR.into());
            }
            if flags.contains(OpenFlags::DIRECTORY) {
                return Err(EINVAL.into());
            }
            found.inode = Some(make(context, &walker, &found, Content::Regular(Data::default()), S_IFREG | mode)?);
            made = Made::Now;
        }
    }
    let file = open_found(context, &walker, &found, flags, made)?;
    Ok(table.add(file, close_on_exec)?.0 as usize)
}

/// `open(2)`.
pub fn open(context: &mut Context<'_>, path: UserPath, flags: u32, mode: u32) -> Outcome {
    open_at(context, AT_FDCWD, &path.read()?, flags, mode)
}

/// `openat(2)`.
pub fn openat(context: &mut Context<'_>, directory: Fd, path: UserPath, flags: u32, mode: u32) -> Outcome {
    open_at(context, directory, &path.read()?, flags, mode)
}

/// `creat(2)`.
pub fn creat(context: &mut Context<'_>, path: UserPath, mode: u32) -> Outcome {
    let flags = OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC;
    open_at(context, AT_FDCWD, &path.read()?, flags.bits(), mode)
}

/// `openat2(2)`.
pub fn openat2(
    context: &mut Context<'_>,
    directory: Fd,
    path: UserPath,
    how: UserPtr<[u64; 3]>,
    size: usize,
) -> Outcome {
    if size < 24 {
        return Err(EINVAL.into());
    }
    if size > 24 {
        // Fields of the future must be zero.
        let mut more = alloc::vec![0u8; (size - 24).min(4096)];
        crate::user_memory::copy_in(&mut more, how.at(1).address())?;
        if more.iter().any(|byte| *byte != 0) {
            return Err(crate::errno::E2BIG.into());
        }
    }
    let [flags, mode, resolve] = how.read()?;
    let known = OpenFlags::all().bits();
    let (Ok(flags), Ok(mode)) = (u32::try_from(flags), u32::try_from(mode)) else { return Err(EINVAL.into()) };
    if flags & !(known | 3) != 0 || mode & !0o7777 != 0 {
        return Err(EINVAL.into());
    }
    if mode != 0 && flags & (OpenFlags::CREAT | OpenFlags::TMPFILE).bits() == 0 {
        return Err(EINVAL.into());
    }
    if resolve != 0 {
        kernel().note_unsupported("openat2 with resolve flags");
        return Err(EINVAL.into());
    }
    open_at(context, directory, &path.read()?, flags, mode)
}

fn make_directory(context: &Context<'_>, directory: Fd, path: &[u8], mode: u32) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::No)?;
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

fn make_node(context: &Context<'_>, directory: Fd, path: &[u8], mode: u32, number: u64) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::No)?;
    let (kind, content) = match mode & S_IFMT {
        0 | S_IFREG => (S_IFREG, Content::Regular(Data::default())),
        S_IFIFO => (S_IFIFO, Content::Fifo(Fifo::default())),
        S_IFSOCK => (S_IFSOCK, Content::Socket(RefCell::default())),
        S_IFCHR if walker.caller.is_root() => {
            let device = match (number >> 8, number & 0xff) {
                // An overlay's own sign for a removed name, and the harmless ones.
                (1, 3) => Device::Null,
                (1, 5) => Device::Zero,
                (1, 7) => Device::Full,
                (1, 8 | 9) => Device::Random,
                _ => return Err(EPERM.into()),
            };
            (S_IFCHR, Content::Device(device))
        }
        S_IFDIR => return Err(EPERM.into()),
        S_IFCHR | 0o060_000 => return Err(EPERM.into()),
        _ => return Err(EINVAL.into()),
    };
    if found.slash && found.inode.is_none() {
        return Err(ENOENT.into());
    }
    let inode = make(context, &walker, &found, content, kind | mode & 0o7777)?;
    if kind == S_IFCHR {
        inode.change(|meta| meta.rdev = number);
    }
    Ok(0)
}

/// `mknod(2)`.
pub fn mknod(context: &mut Context<'_>, path: UserPath, mode: u32, device: u64) -> Outcome {
    make_node(context, AT_FDCWD, &path.read()?, mode, device)
}

/// `mknodat(2)`.
pub fn mknodat(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32, device: u64) -> Outcome {
    make_node(context, directory, &path.read()?, mode, device)
}

fn make_symlink(context: &Context<'_>, target: Vec<u8>, directory: Fd, path: &[u8]) -> Outcome {
    if target.is_empty() {
        return Err(ENOENT.into());
    }
    let (walker, found) = find(context, directory, path, Follow::No)?;
    if found.slash && found.inode.is_none() {
        return Err(ENOENT.into());
    }
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

fn make_link(context: &Context<'_>, from: Fd, old: &[u8], to: Fd, new: &[u8], flags: u32) -> Outcome {
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    let inode = if old.is_empty() && flags & AT_EMPTY_PATH != 0 {
        let file = context.process().descriptors().get(from)?;
        opened(&file.object).map(|opened| opened.inode.clone()).ok_or(EXDEV)?
    } else {
        let follow = if flags & AT_SYMLINK_FOLLOW != 0 { Follow::Yes } else { Follow::No };
        let (_, found) = find(context, from, old, follow)?;
        if found.special.is_some() {
            return Err(EXDEV.into());
        }
        found.existing()?
    };
    let (walker, found) = find(context, to, new, Follow::No)?;
    if found.inode.is_some() {
        return Err(EEXIST.into());
    }
    if found.slash {
        return Err(ENOENT.into());
    }
    if inode.is_directory() {
        return Err(EPERM.into());
    }
    check_change(&found.parent, &walker.caller)?;
    if matches!(inode.content, Content::Magic(_) | Content::Generated(_)) {
        return Err(EXDEV.into());
    }
    found.parent.insert(&found.name, &inode)?;
    inode.change(|meta| meta.links += 1);
    inode.changed();
    Ok(0)
}

/// `link(2)`.
pub fn link(context: &mut Context<'_>, old: UserPath, new: UserPath) -> Outcome {
    make_link(context, AT_FDCWD, &old.read()?, AT_FDCWD, &new.read()?, 0)
}

/// `linkat(2)`.
pub fn linkat(context: &mut Context<'_>, from: Fd, old: UserPath, to: Fd, new: UserPath, flags: u32) -> Outcome {
    make_link(context, from, &old.read()?, to, &new.read()?, flags)
}

/// An inode lost a name.
fn unlinked(inode: &Rc<Inode>) {
    inode.change(|meta| meta.links = if inode.is_directory() { 0 } else { meta.links.saturating_sub(1) });
    inode.changed();
}

fn remove_file(context: &Context<'_>, directory: Fd, path: &[u8]) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::No)?;
    if found.last != Last::Name {
        return Err(EISDIR.into());
    }
    let inode = found.existing()?;
    check_change(&found.parent, &walker.caller)?;
    check_sticky(&found.parent, &inode, &walker.caller)?;
    if inode.is_directory() {
        return Err(EISDIR.into());
    }
    if found.slash {
        return Err(ENOTDIR.into());
    }
    let inode = found.parent.remove(&found.name)?;
    unlinked(&inode);
    Ok(0)
}

fn remove_directory(context: &Context<'_>, directory: Fd, path: &[u8]) -> Outcome {
    let (walker, found) = find(context, directory, path, Follow::No)?;
    match found.last {
        Last::Name => {}
        Last::DotDot => return Err(ENOTEMPTY.into()),
        Last::Dot if path.iter().all(|byte| *byte == b'/') => return Err(EBUSY.into()),
        Last::Dot => return Err(EINVAL.into()),
    }
    let inode = found.existing()?;
    if !inode.is_directory() {
        return Err(ENOTDIR.into());
    }
    check_change(&found.parent, &walker.caller)?;
    check_sticky(&found.parent, &inode, &walker.caller)?;
    if is_mount(&inode) {
        return Err(EBUSY.into());
    }
    if !inode.list()?.is_empty() {
        return Err(ENOTEMPTY.into());
    }
    let inode = found.parent.remove(&found.name)?;
    unlinked(&inode);
    Ok(0)
}

/// `/proc`, `/dev`, `/sys` and the root stay where they are.
fn is_mount(inode: &Rc<Inode>) -> bool {
    let root = kernel().fs.root();
    Rc::ptr_eq(inode, &root)
        || inode.parent().is_some_and(|parent| {
            Rc::ptr_eq(&parent, &root)
                && inode.device != parent.device
                && inode.device < crate::fs::inode::LOWER_DEVICES
                && inode.device != UPPER_DEVICE
        })
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

fn rename_at(context: &Context<'_>, from: Fd, old: &[u8], to: Fd, new: &[u8], flags: u32) -> Outcome {
    const NOREPLACE: u32 = 1;
    const EXCHANGE: u32 = 2;
    if flags & !(NOREPLACE | EXCHANGE) != 0 || flags == NOREPLACE | EXCHANGE {
        return Err(EINVAL.into());
    }
    let (walker, source) = find(context, from, old, Follow::No)?;
    let (_, target) = find(context, to, new, Follow::No)?;
    if source.last != Last::Name || target.last != Last::Name {
        return Err(EBUSY.into());
    }
    let inode = source.existing()?;
    check_change(&source.parent, &walker.caller)?;
    check_sticky(&source.parent, &inode, &walker.caller)?;
    check_change(&target.parent, &walker.caller)?;
    if is_mount(&inode) {
        return Err(EBUSY.into());
    }
    for directory in [&source.parent, &target.parent] {
        if !matches!(directory.content, Content::Directory(_)) {
            return Err(EACCES.into());
        }
    }
    if !inode.is_directory() && (source.slash || target.slash) {
        return Err(ENOTDIR.into());
    }
    if inode.is_directory() && inode.contains(&target.parent) {
        return Err(EINVAL.into());
    }
    let replaced = target.inode.clone();
    if let Some(other) = &replaced {
        if flags & NOREPLACE != 0 {
            return Err(EEXIST.into());
        }
        if Rc::ptr_eq(other, &inode) {
            return Ok(0);
        }
        check_sticky(&target.parent, other, &walker.caller)?;
        if is_mount(other) {
            return Err(EBUSY.into());
        }
        if flags & EXCHANGE != 0 {
            if other.is_directory() && other.contains(&source.parent) {
                return Err(EINVAL.into());
            }
        } else if other.is_directory() {
            if !inode.is_directory() {
                return Err(EISDIR.into());
            }
            if other.contains(&source.parent) || !other.list()?.is_empty() {
                return Err(ENOTEMPTY.into());
            }
        } else if inode.is_directory() {
            return Err(ENOTDIR.into());
        }
    } else if flags & EXCHANGE != 0 {
        return Err(ENOENT.into());
    }
    if target.parent.meta().links == 0 {
        return Err(ENOENT.into());
    }
    source.parent.remove(&source.name)?;
    if let Some(other) = replaced {
        target.parent.remove(&target.name)?;
        if flags & EXCHANGE != 0 {
            source.parent.insert(&source.name, &other)?;
            other.changed();
        } else {
            unlinked(&other);
        }
    }
    target.parent.insert(&target.name, &inode)?;
    inode.changed();
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
    rename_at(context, from, &old.read()?, to, &new.read()?, flags)
}

fn read_link(context: &Context<'_>, directory: Fd, path: &[u8], buffer: UserAddr, len: usize) -> Outcome {
    if len == 0 || len > i32::MAX as usize {
        return Err(EINVAL.into());
    }
    let inode = if path.is_empty() && directory != AT_FDCWD {
        let file = context.process().descriptors().get(directory)?;
        opened(&file.object).filter(|opened| opened.inode.is_link()).map(|opened| opened.inode.clone()).ok_or(ENOENT)?
    } else {
        find(context, directory, path, Follow::No)?.1.existing()?
    };
    let target = match &inode.content {
        Content::Symlink(target) => target.clone(),
        Content::Magic(link) => link.text().ok_or(ENOENT)?,
        _ => return Err(EINVAL.into()),
    };
    let len = target.len().min(len);
    copy_out(buffer, target.get(..len).unwrap_or_default())?;
    Ok(len)
}

/// `readlink(2)`.
pub fn readlink(context: &mut Context<'_>, path: UserPath, buffer: UserAddr, len: usize) -> Outcome {
    read_link(context, AT_FDCWD, &path.read()?, buffer, len)
}

/// `readlinkat(2)`.
pub fn readlinkat(context: &mut Context<'_>, directory: Fd, path: UserPath, buffer: UserAddr, len: usize) -> Outcome {
    read_link(context, directory, &path.read()?, buffer, len)
}

/// `getcwd(2)`.
pub fn getcwd(context: &mut Context<'_>, buffer: UserAddr, len: usize) -> Outcome {
    let fs = context.process().fs();
    let mut path = fs.directory().path_below(&fs.root()).ok_or(ENOENT)?;
    path.push(0);
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
    if !walker.caller.is_root() {
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
    let inode = Inode::new(UPPER_DEVICE, Content::Regular(data), mode, caller.uid, caller.gid);
    inode.change(|meta| meta.links = 0);
    let mut shown = b"/memfd:".to_vec();
    shown.extend_from_slice(&name);
    shown.extend_from_slice(b" (deleted)");
    let file: Rc<OpenFile> = anonymous(inode, &shown, OpenFlags::RDWR | OpenFlags::LARGEFILE);
    Ok(process.descriptors().add(file, flags & CLOEXEC != 0)?.0 as usize)
}
