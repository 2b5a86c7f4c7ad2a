//! What files are: attributes, permissions, times, lengths, listings.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::paths::{AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, find_as};
use super::{Context, Outcome};
use crate::errno::{EBADF, EFBIG, EINVAL, EISDIR, ENODEV, ENOENT, ENOTDIR, EOPNOTSUPP, EPERM, ESPIPE, Errno};
use crate::fs::file::{OpenFile, OpenFlags, Stat};
use crate::fs::inode::{Caller, Inode, MAY_WRITE, Meta, Place, S_IFIFO, S_IFMT, S_ISGID};
use crate::fs::notify::{self, Happened};
use crate::fs::open::{Opened, SEAL_EXEC, SEAL_FUTURE_WRITE, SEAL_GROW, SEAL_SHRINK, SEAL_WRITE};
use crate::fs::open::{check_size_limit, opened, truncate as set_length};
use crate::fs::walk::{Follow, Resolve};
use crate::ipc::pipe::PipeEnd;
use crate::task::capability::{CAP_CHOWN, CAP_FOWNER, CAP_FSETID};
use crate::user_memory::{UserAddr, UserPtr, bytes_of, copy_out};
use alloc::rc::Rc;
use alloc::vec::Vec;

const NANOS: i64 = 1_000_000_000;

/// What a call names: an inode and where it was found, or an open object that has none.
pub enum Named {
    /// An inode.
    Inode(Rc<Inode>, Option<Place>),
    /// An object.
    Object(Rc<OpenFile>),
}

impl Named {
    fn stat(&self) -> Result<Stat, Errno> {
        match self {
            Self::Inode(inode, _) => Ok(inode.stat()),
            Self::Object(file) => file.object.stat(),
        }
    }

    fn inode(self) -> Result<(Rc<Inode>, Option<Place>), Errno> {
        match self {
            Self::Inode(inode, place) => Ok((inode, place)),
            Self::Object(_) => Err(EPERM),
        }
    }
}

/// What is open.
///
/// # Errors
/// `EBADF`.
pub fn by_descriptor(context: &Context<'_>, fd: Fd) -> Result<Named, Errno> {
    let file = context.process().descriptors().get(fd)?;
    let place = opened(&file.object).map(|opened| opened.place.clone());
    Ok(match file.object.inode() {
        Some(inode) => Named::Inode(inode, place),
        None => Named::Object(file),
    })
}

/// A path relative to a directory; with `AT_EMPTY_PATH` the descriptor itself.
///
/// # Errors
/// As the walk's.
pub fn by_path(context: &Context<'_>, directory: Fd, path: &[u8], flags: u32) -> Result<Named, Errno> {
    by_path_as(context, caller(context), directory, path, flags)
}

fn by_path_as(context: &Context<'_>, caller: Caller, directory: Fd, path: &[u8], flags: u32) -> Result<Named, Errno> {
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        if directory == AT_FDCWD {
            return Ok(Named::Inode(context.process().fs().directory(), None));
        }
        return by_descriptor(context, directory);
    }
    let follow = if flags & AT_SYMLINK_NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    let found = find_as(context, caller, directory, path, follow, Resolve::empty())?.1;
    let place = Place { parent: Some(found.parent), name: found.name };
    match found.special {
        Some(file) => Ok(Named::Object(file)),
        None => found.inode.map(|inode| Named::Inode(inode, Some(found.place.unwrap_or(place)))).ok_or(ENOENT),
    }
}

/// A path, which with `AT_EMPTY_PATH` may be the null pointer.
fn read_path(path: UserPath, flags: u32) -> Result<Vec<u8>, Errno> {
    if path.0.is_null() && flags & AT_EMPTY_PATH != 0 { Ok(Vec::new()) } else { path.read() }
}

fn write_stat(to: UserAddr, stat: &Stat) -> Result<(), Errno> {
    let time = |ns: i64| [ns.div_euclid(NANOS).cast_unsigned(), ns.rem_euclid(NANOS).cast_unsigned()];
    let ([a, an], [m, mn], [c, cn]) = (time(stat.accessed_ns), time(stat.modified_ns), time(stat.changed_ns));
    let words: [u64; 18] = [
        stat.device,
        stat.inode,
        u64::from(stat.links),
        u64::from(stat.mode) | u64::from(stat.uid) << 32,
        u64::from(stat.gid),
        stat.rdev,
        stat.size,
        u64::from(stat.block_size),
        stat.blocks,
        a,
        an,
        m,
        mn,
        c,
        cn,
        0,
        0,
        0,
    ];
    copy_out(to, bytes_of(&words))
}

/// `stat(2)`.
pub fn stat(context: &mut Context<'_>, path: UserPath, to: UserAddr) -> Outcome {
    write_stat(to, &by_path(context, AT_FDCWD, &path.read()?, 0)?.stat()?)?;
    Ok(0)
}

/// `lstat(2)`.
pub fn lstat(context: &mut Context<'_>, path: UserPath, to: UserAddr) -> Outcome {
    write_stat(to, &by_path(context, AT_FDCWD, &path.read()?, AT_SYMLINK_NOFOLLOW)?.stat()?)?;
    Ok(0)
}

/// `fstat(2)`.
pub fn fstat(context: &mut Context<'_>, fd: Fd, to: UserAddr) -> Outcome {
    write_stat(to, &by_descriptor(context, fd)?.stat()?)?;
    Ok(0)
}

/// `AT_NO_AUTOMOUNT` and the `AT_STATX_*` bits: nothing is mounted or remote here.
const AT_IGNORED: u32 = 0x800 | AT_SYNC_TYPE;
/// `AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC`.
const AT_SYNC_TYPE: u32 = 0x6000;

/// `newfstatat(2)`.
pub fn newfstatat(context: &mut Context<'_>, directory: Fd, path: UserPath, to: UserAddr, flags: u32) -> Outcome {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_IGNORED) != 0 {
        return Err(EINVAL.into());
    }
    write_stat(to, &by_path(context, directory, &read_path(path, flags)?, flags)?.stat()?)?;
    Ok(0)
}

/// `statx(2)`.
pub fn statx(context: &mut Context<'_>, directory: Fd, path: UserPath, flags: u32, mask: u32, to: UserAddr) -> Outcome {
    const BASIC: u32 = 0x7ff;
    const MOUNT_ID: u32 = 0x1000;
    let both = flags & AT_SYNC_TYPE == AT_SYNC_TYPE;
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_IGNORED) != 0 || mask & 0x8000_0000 != 0 || both {
        return Err(EINVAL.into());
    }
    let named = by_path(context, directory, &read_path(path, flags)?, flags)?;
    let stat = named.stat()?;
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let device = |number: u64| pair(major(number), minor(number));
    let mut words = [0u64; 32];
    words[0] = pair(BASIC | MOUNT_ID, stat.block_size);
    words[2] = pair(stat.links, stat.uid);
    words[3] = pair(stat.gid, stat.mode);
    words[4] = stat.inode;
    words[5] = stat.size;
    words[6] = stat.blocks;
    for (at, ns) in [(8, stat.accessed_ns), (12, stat.changed_ns), (14, stat.modified_ns)] {
        words[at] = ns.div_euclid(NANOS).cast_unsigned();
        words[at + 1] = ns.rem_euclid(NANOS).cast_unsigned();
    }
    words[16] = device(stat.rdev);
    words[17] = device(stat.device);
    words[18] = if let Named::Inode(inode, _) = &named { inode.mount_id() } else { 0 };
    copy_out(to, bytes_of(&words))?;
    Ok(0)
}

const fn major(device: u64) -> u32 {
    (device >> 8 & 0xfff | device >> 32 & 0xffff_f000) as u32
}

const fn minor(device: u64) -> u32 {
    (device & 0xff | device >> 12 & 0xffff_ff00) as u32
}

const AT_EACCESS: u32 = 0x200;

fn access_at(context: &Context<'_>, directory: Fd, path: &[u8], mode: u32, flags: u32) -> Outcome {
    let caller = {
        let process = context.process();
        let credentials = process.credentials.borrow();
        if flags & AT_EACCESS != 0 { Caller::of(&credentials) } else { Caller::real(&credentials) }
    };
    // The way there is gone as that user, too.
    if let Named::Inode(inode, _) = by_path_as(context, caller.clone(), directory, path, flags)? {
        inode.check_access(&caller, mode)?;
        if mode & 4 != 0
            && let Some(base) = inode.data().and_then(|data| data.base())
        {
            base.check_granted(inode.meta().mode)?;
        }
    }
    Ok(0)
}

/// `access(2)`.
pub fn access(context: &mut Context<'_>, path: UserPath, mode: u32) -> Outcome {
    faccessat2(context, AT_FDCWD, path, mode, 0)
}

/// `faccessat(2)`.
pub fn faccessat(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32) -> Outcome {
    faccessat2(context, directory, path, mode, 0)
}

/// `faccessat2(2)`.
pub fn faccessat2(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32, flags: u32) -> Outcome {
    if mode & !7 != 0 || flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    access_at(context, directory, &read_path(path, flags)?, mode, flags)
}

fn caller(context: &Context<'_>) -> Caller {
    Caller::of(&context.process().credentials.borrow())
}

fn change_mode(context: &Context<'_>, (inode, place): &(Rc<Inode>, Option<Place>), mode: u32) -> Outcome {
    let caller = caller(context);
    inode.check_owner(&caller)?;
    if inode.is_link() {
        return Err(EOPNOTSUPP.into());
    }
    let mut mode = mode & 0o7777;
    let sealed = inode.data().and_then(|data| data.seals.get()).unwrap_or(0);
    if sealed & SEAL_EXEC != 0 && (inode.meta().mode ^ mode) & 0o111 != 0 {
        return Err(EPERM.into());
    }
    if !caller.in_group(inode.meta().gid) && !caller.can(CAP_FSETID) {
        mode &= !S_ISGID;
    }
    inode.change(|meta| meta.mode = meta.mode & S_IFMT | mode);
    inode.changed();
    notify::happened(inode, place.as_ref(), Happened::ATTRIB);
    Ok(0)
}

/// `chmod(2)`.
pub fn chmod(context: &mut Context<'_>, path: UserPath, mode: u32) -> Outcome {
    let named = by_path(context, AT_FDCWD, &path.read()?, 0)?.inode()?;
    change_mode(context, &named, mode)
}

fn open_inode(context: &Context<'_>, fd: Fd) -> Result<(Rc<Inode>, Option<Place>), Errno> {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF);
    }
    let place = opened(&file.object).map(|opened| opened.place.clone());
    file.object.inode().map(|inode| (inode, place)).ok_or(EPERM)
}

/// A pipe or socket without a name, as `stat(2)` tells it.
fn nameless(context: &Context<'_>, fd: Fd) -> Option<Stat> {
    let file = context.process().descriptors().get_open(fd).ok()?;
    let is_one = file.object.as_socket().is_some() || file.downcast::<PipeEnd>().is_some();
    file.object.stat().ok().filter(|_| is_one && file.object.inode().is_none())
}

/// `EPERM` unless the caller owns it, or may act for the owner of any file.
fn check_owns(context: &Context<'_>, stat: &Stat) -> Result<(), Errno> {
    let caller = caller(context);
    if caller.uid == stat.uid || caller.can(CAP_FOWNER) { Ok(()) } else { Err(EPERM) }
}

/// `fchmod(2)`.
pub fn fchmod(context: &mut Context<'_>, fd: Fd, mode: u32) -> Outcome {
    if let Some(stat) = nameless(context, fd) {
        check_owns(context, &stat)?;
        crate::kernel().ipc.nameless.set_mode(stat.inode, mode);
        return Ok(0);
    }
    let named = open_inode(context, fd)?;
    change_mode(context, &named, mode)
}

/// `fchmodat(2)`.
pub fn fchmodat(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32) -> Outcome {
    let named = by_path(context, directory, &path.read()?, 0)?.inode()?;
    change_mode(context, &named, mode)
}

/// `fchmodat2(2)`.
pub fn fchmodat2(context: &mut Context<'_>, directory: Fd, path: UserPath, mode: u32, flags: u32) -> Outcome {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    let named = by_path(context, directory, &read_path(path, flags)?, flags)?.inode()?;
    change_mode(context, &named, mode)
}

fn change_owner(context: &Context<'_>, (inode, place): &(Rc<Inode>, Option<Place>), uid: u32, gid: u32) -> Outcome {
    let caller = caller(context);
    let meta = inode.meta();
    let own = caller.uid == meta.uid;
    let may_give = uid == u32::MAX || own && uid == meta.uid || caller.can(CAP_CHOWN);
    let may_group = gid == u32::MAX || own && (gid == meta.gid || caller.in_group(gid)) || caller.can(CAP_CHOWN);
    let mode = if inode.is_directory() { meta.mode } else { inode.mode_without_identity(&caller) };
    if !may_give || !may_group || mode != meta.mode && inode.check_owner(&caller).is_err() {
        return Err(EPERM.into());
    }
    inode.change(|meta| {
        meta.uid = if uid == u32::MAX { meta.uid } else { uid };
        meta.gid = if gid == u32::MAX { meta.gid } else { gid };
        meta.mode = mode;
    });
    inode.changed();
    if uid != u32::MAX || gid != u32::MAX || mode != meta.mode {
        notify::happened(inode, place.as_ref(), Happened::ATTRIB);
    }
    Ok(0)
}

/// `chown(2)`.
pub fn chown(context: &mut Context<'_>, path: UserPath, uid: u32, gid: u32) -> Outcome {
    let named = by_path(context, AT_FDCWD, &path.read()?, 0)?.inode()?;
    change_owner(context, &named, uid, gid)
}

/// `lchown(2)`.
pub fn lchown(context: &mut Context<'_>, path: UserPath, uid: u32, gid: u32) -> Outcome {
    let named = by_path(context, AT_FDCWD, &path.read()?, AT_SYMLINK_NOFOLLOW)?.inode()?;
    change_owner(context, &named, uid, gid)
}

/// `fchown(2)`.
pub fn fchown(context: &mut Context<'_>, fd: Fd, uid: u32, gid: u32) -> Outcome {
    if let Some(stat) = nameless(context, fd) {
        let caller = caller(context);
        let own = caller.uid == stat.uid;
        let may_give = uid == u32::MAX || own && uid == stat.uid || caller.can(CAP_CHOWN);
        let may_group = gid == u32::MAX || own && (gid == stat.gid || caller.in_group(gid)) || caller.can(CAP_CHOWN);
        if !may_give || !may_group {
            return Err(EPERM.into());
        }
        crate::kernel().ipc.nameless.set_owner(stat.inode, uid, gid);
        return Ok(0);
    }
    let named = open_inode(context, fd)?;
    change_owner(context, &named, uid, gid)
}

/// `fchownat(2)`.
pub fn fchownat(context: &mut Context<'_>, directory: Fd, path: UserPath, uid: u32, gid: u32, flags: u32) -> Outcome {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    let named = by_path(context, directory, &read_path(path, flags)?, flags)?.inode()?;
    change_owner(context, &named, uid, gid)
}

/// A new time of a file.
#[derive(Clone, Copy)]
enum NewTime {
    Keep,
    Now,
    At(i64),
}

/// Reads the `struct timespec`s of `utimensat(2)`.
fn new_times(times: UserPtr<[i64; 4]>) -> Result<[NewTime; 2], Errno> {
    const UTIME_NOW: i64 = 0x3fff_ffff;
    const UTIME_OMIT: i64 = 0x3fff_fffe;
    let Some(times) = times.non_null() else { return Ok([NewTime::Now; 2]) };
    let [a, an, m, mn] = times.read()?;
    let one = |seconds: i64, nanos: i64| match nanos {
        UTIME_NOW => Ok(NewTime::Now),
        UTIME_OMIT => Ok(NewTime::Keep),
        0..NANOS => Ok(NewTime::At(seconds.saturating_mul(NANOS).saturating_add(nanos))),
        _ => Err(EINVAL),
    };
    Ok([one(a, an)?, one(m, mn)?])
}

fn change_times(context: &Context<'_>, (inode, place): &(Rc<Inode>, Option<Place>), times: [NewTime; 2]) -> Outcome {
    let caller = caller(context);
    match times {
        [NewTime::Keep, NewTime::Keep] => return Ok(0),
        [NewTime::Now, NewTime::Now] => {
            if inode.check_owner(&caller).is_err() {
                inode.check_access(&caller, MAY_WRITE)?;
            }
        }
        _ => inode.check_owner(&caller)?,
    }
    let now = crate::time::realtime_ns().cast_signed();
    let set = |old: i64, new: NewTime| match new {
        NewTime::Keep => old,
        NewTime::Now => now,
        NewTime::At(ns) => ns,
    };
    inode.change(|meta: &mut Meta| {
        meta.accessed_ns = set(meta.accessed_ns, times[0]);
        meta.modified_ns = set(meta.modified_ns, times[1]);
        meta.changed_ns = now;
    });
    let what = match times {
        [NewTime::Keep, _] => Happened::MODIFY,
        [_, NewTime::Keep] => Happened::ACCESS,
        _ => Happened::ATTRIB,
    };
    notify::happened(inode, place.as_ref(), what);
    Ok(0)
}

/// `utimensat(2)`.
pub fn utimensat(
    context: &mut Context<'_>,
    directory: Fd,
    path: UserPath,
    times: UserPtr<[i64; 4]>,
    flags: u32,
) -> Outcome {
    let times = new_times(times)?;
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(EINVAL.into());
    }
    if matches!(times, [NewTime::Keep, NewTime::Keep]) {
        return Ok(0);
    }
    let named = if path.0.is_null() {
        if directory == AT_FDCWD {
            return Err(crate::errno::EFAULT.into());
        }
        if flags != 0 {
            return Err(EINVAL.into());
        }
        if let Some(stat) = nameless(context, directory) {
            // Its times are always now. Who may write may say so, too.
            let now = matches!(times, [NewTime::Now, NewTime::Now]);
            let others_write = stat.mode & 0o002 != 0;
            return match check_owns(context, &stat) {
                Err(_) if now && others_write => Ok(0),
                Err(_) if now => Err(crate::errno::EACCES.into()),
                outcome => Ok(outcome.map(|()| 0)?),
            };
        }
        open_inode(context, directory)?
    } else {
        by_path(context, directory, &path.read()?, flags)?.inode()?
    };
    change_times(context, &named, times)
}

fn micro_times(times: UserPtr<[i64; 4]>) -> Result<[NewTime; 2], Errno> {
    let Some(times) = times.non_null() else { return Ok([NewTime::Now; 2]) };
    let [a, au, m, mu] = times.read()?;
    let one = |seconds: i64, micros: i64| match micros {
        0..1_000_000 => Ok(NewTime::At(seconds.saturating_mul(NANOS).saturating_add(micros * 1000))),
        _ => Err(EINVAL),
    };
    Ok([one(a, au)?, one(m, mu)?])
}

/// `utimes(2)`.
pub fn utimes(context: &mut Context<'_>, path: UserPath, times: UserPtr<[i64; 4]>) -> Outcome {
    let times = micro_times(times)?;
    let named = by_path(context, AT_FDCWD, &path.read()?, 0)?.inode()?;
    change_times(context, &named, times)
}

/// `futimesat(2)`.
pub fn futimesat(context: &mut Context<'_>, directory: Fd, path: UserPath, times: UserPtr<[i64; 4]>) -> Outcome {
    let times = micro_times(times)?;
    let named = if path.0.is_null() && directory == AT_FDCWD {
        return Err(crate::errno::EFAULT.into());
    } else if path.0.is_null() {
        open_inode(context, directory)?
    } else {
        by_path(context, directory, &path.read()?, 0)?.inode()?
    };
    change_times(context, &named, times)
}

/// `utime(2)`.
pub fn utime(context: &mut Context<'_>, path: UserPath, times: UserPtr<[i64; 2]>) -> Outcome {
    let times = match times.non_null() {
        None => [NewTime::Now; 2],
        Some(times) => times.read()?.map(|seconds| NewTime::At(seconds.saturating_mul(NANOS))),
    };
    let named = by_path(context, AT_FDCWD, &path.read()?, 0)?.inode()?;
    change_times(context, &named, times)
}

/// `truncate(2)`.
pub fn truncate(context: &mut Context<'_>, path: UserPath, len: i64) -> Outcome {
    let len = u64::try_from(len).map_err(|_| EINVAL)?;
    let (inode, place) = by_path(context, AT_FDCWD, &path.read()?, 0)?.inode()?;
    if inode.is_directory() {
        return Err(EISDIR.into());
    }
    if inode.data().is_none() {
        return Err(EINVAL.into());
    }
    inode.check_access(&caller(context), MAY_WRITE)?;
    set_length(&inode, len)?;
    notify::happened(&inode, place.as_ref(), Happened::MODIFY);
    Ok(0)
}

/// `ftruncate(2)`.
pub fn ftruncate(context: &mut Context<'_>, fd: Fd, len: i64) -> Outcome {
    let len = u64::try_from(len).map_err(|_| EINVAL)?;
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    if !file.flags.get().writable() {
        return Err(EINVAL.into());
    }
    file.object.truncate(len)?;
    Ok(0)
}

/// `fallocate(2)`.
pub fn fallocate(context: &mut Context<'_>, fd: Fd, mode: u32, offset: i64, len: i64) -> Outcome {
    const KEEP_SIZE: u32 = 1;
    const PUNCH_HOLE: u32 = 2;
    const COLLAPSE_RANGE: u32 = 8;
    const ZERO_RANGE: u32 = 16;
    const INSERT_RANGE: u32 = 32;
    const UNSHARE_RANGE: u32 = 64;
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    let (Ok(offset), Ok(len)) = (u64::try_from(offset), u64::try_from(len)) else { return Err(EINVAL.into()) };
    if len == 0 {
        return Err(EINVAL.into());
    }
    let keep = mode & KEEP_SIZE != 0;
    let operation = mode & !KEEP_SIZE;
    match operation {
        0 | ZERO_RANGE | UNSHARE_RANGE => {}
        PUNCH_HOLE if keep => {}
        COLLAPSE_RANGE | INSERT_RANGE if !keep => {}
        _ => return Err(EOPNOTSUPP.into()),
    }
    file.check_writable()?;
    let (inode, place) = match opened(&file.object) {
        Some(opened) => (opened.inode.clone(), opened.place.clone()),
        None if file.object.stat()?.mode & S_IFMT == S_IFIFO => return Err(ESPIPE.into()),
        None => return Err(ENODEV.into()),
    };
    let data = inode.data().ok_or(ENODEV)?;
    let end = offset.saturating_add(len);
    if end > crate::fs::data::MAX_SIZE {
        return Err(EFBIG.into());
    }
    let sealed = |bits: u32| data.seals.get().unwrap_or(0) & bits != 0;
    let grows = !keep && end > data.size() || operation == INSERT_RANGE;
    let changes = operation & (PUNCH_HOLE | ZERO_RANGE | COLLAPSE_RANGE | INSERT_RANGE) != 0;
    // Room beyond the end counts as growth even when the size stays.
    let reserves = operation != PUNCH_HOLE && end > data.size() || operation == INSERT_RANGE;
    if changes && sealed(SEAL_WRITE | SEAL_FUTURE_WRITE)
        || reserves && sealed(SEAL_GROW)
        || operation == COLLAPSE_RANGE && sealed(SEAL_SHRINK)
    {
        return Err(EPERM.into());
    }
    if grows && operation != INSERT_RANGE {
        check_size_limit(end)?;
    }
    inode.content_changes();
    match operation {
        PUNCH_HOLE | ZERO_RANGE => data.zero(offset, len)?,
        COLLAPSE_RANGE => data.collapse(offset, len)?,
        INSERT_RANGE => data.insert(offset, len)?,
        _ => {}
    }
    if grows && operation != INSERT_RANGE {
        data.truncate(end)?;
    }
    inode.modified();
    notify::happened(&inode, Some(&place), Happened::MODIFY);
    Ok(0)
}

/// `getdents64(2)`.
pub fn getdents64(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize) -> Outcome {
    list(context, fd, buffer, len, Layout::Wide)
}

/// `getdents(2)`.
pub fn getdents(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize) -> Outcome {
    list(context, fd, buffer, len, Layout::Old)
}

/// Which `struct linux_dirent`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Wide,
    Old,
}

fn list(context: &Context<'_>, fd: Fd, buffer: UserAddr, len: usize, layout: Layout) -> Outcome {
    let file = context.process().descriptors().get_open(fd)?;
    let directory: &Opened = opened(&file.object).ok_or(ENOTDIR)?;
    if !directory.inode.is_directory() {
        return Err(ENOTDIR.into());
    }
    if directory.inode.is_removed() {
        return Err(ENOENT.into());
    }
    notify::happened(&directory.inode, Some(&directory.place), Happened::ACCESS);
    let position = file.position.get();
    let names = directory.names(position)?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut next = position;
    let rest = usize::try_from(position).ok().and_then(|position| names.get(position..)).unwrap_or_default();
    for line in rest {
        if next > 1 && directory.inode.has_lost(&line.name) {
            next += 1;
            continue;
        }
        // Fixed part, name, zero; the old layout keeps the type in the last byte.
        let size = (20 + line.name.len()).next_multiple_of(8);
        if bytes.len() + size > len {
            break;
        }
        let start = bytes.len();
        let kind = (line.file_type >> 12) as u8;
        bytes.extend_from_slice(&line.inode.to_ne_bytes());
        bytes.extend_from_slice(&(next + 1).to_ne_bytes());
        bytes.extend_from_slice(&(size as u16).to_ne_bytes());
        if layout == Layout::Wide {
            bytes.push(kind);
        }
        bytes.extend_from_slice(&line.name);
        bytes.resize(start + size, 0);
        if layout == Layout::Old
            && let Some(last) = bytes.last_mut()
        {
            *last = kind;
        }
        next += 1;
    }
    if bytes.is_empty() && !rest.is_empty() {
        return Err(EINVAL.into());
    }
    drop(names);
    copy_out(buffer, &bytes)?;
    file.position.set(next);
    Ok(bytes.len())
}

fn write_statfs(to: UserAddr, inode: Option<&Rc<Inode>>) -> Result<(), Errno> {
    let kind: u64 = match inode.map(|inode| inode.device) {
        Some(crate::fs::inode::PROC_DEVICE) => 0x9fa0,
        Some(crate::fs::inode::SYS_DEVICE) => 0x6265_6572,
        Some(_) => 0x0102_1994,
        None => 0x5049_5045,
    };
    let (limit, used) = crate::kernel().fs.space();
    // The tree itself counts as a page: a file system that is quite empty confuses programs.
    let free = limit.saturating_sub(used + 1);
    let words: [u64; 15] = [kind, 4096, limit, free, free, limit, free, 0, 255, 4096, 0x20, 0, 0, 0, 0];
    copy_out(to, bytes_of(&words))
}

/// Free blocks and inodes of the file system with this device number (`ustat(2)`), if it is that of the root.
pub(super) fn space_of_device(context: &Context<'_>, device: u64) -> Option<(u64, u64)> {
    let Ok(Named::Inode(root, _)) = by_path(context, AT_FDCWD, b"/", 0) else { return None };
    let (limit, used) = crate::kernel().fs.space();
    let free = limit.saturating_sub(used + 1);
    (root.device == device).then_some((free, free))
}

/// `statfs(2)`.
pub fn statfs(context: &mut Context<'_>, path: UserPath, to: UserAddr) -> Outcome {
    match by_path(context, AT_FDCWD, &path.read()?, 0)? {
        Named::Inode(inode, _) => write_statfs(to, Some(&inode))?,
        Named::Object(_) => write_statfs(to, None)?,
    }
    Ok(0)
}

/// `fstatfs(2)`.
pub fn fstatfs(context: &mut Context<'_>, fd: Fd, to: UserAddr) -> Outcome {
    match by_descriptor(context, fd)? {
        Named::Inode(inode, _) => write_statfs(to, Some(&inode))?,
        Named::Object(_) => write_statfs(to, None)?,
    }
    Ok(0)
}

/// `fadvise64(2)`: content is in memory or in the host's page cache.
pub fn fadvise64(context: &mut Context<'_>, fd: Fd, _offset: i64, len: i64, advice: u32) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    if file.object.stat()?.mode & S_IFMT == S_IFIFO {
        return Err(ESPIPE.into());
    }
    if len < 0 || advice > 5 {
        return Err(EINVAL.into());
    }
    Ok(0)
}

/// `readahead(2)`.
pub fn readahead(context: &mut Context<'_>, fd: Fd, _offset: i64, _len: usize) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    file.check_readable()?;
    if opened(&file.object).is_none_or(|opened| opened.inode.data().is_none()) {
        return Err(EINVAL.into());
    }
    Ok(0)
}
