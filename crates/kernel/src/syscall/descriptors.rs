//! Descriptors: closing, duplicating, flags, locks, `ioctl`.

use super::arguments::Fd;
use super::{Context, Outcome};
use crate::errno::{EBADF, EBUSY, EINVAL, EPERM, Errno};
use crate::events::asynchronous;
use crate::fs::descriptors::Descriptor;
use crate::fs::file::OpenFlags;
use crate::fs::inode::{Caller, PROC_DEVICE, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, SYS_DEVICE};
use crate::fs::open::{ALL_SEALS, SEAL_EXEC, SEAL_FUTURE_WRITE, SEAL_GROW, SEAL_SEAL, SEAL_SHRINK, SEAL_WRITE, opened};
use crate::ipc::pipe::PipeEnd;
use crate::kernel;
use crate::task::Process;
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};

/// `close(2)`.
pub fn close(context: &mut Context<'_>, fd: Fd) -> Outcome {
    let entry = context.process().descriptors().remove(fd)?;
    closed(context, entry);
    Ok(0)
}

/// An entry was taken out of the table.
fn closed(context: &Context<'_>, entry: Descriptor) {
    closed_by(&context.process(), &entry);
}

/// A process closes a descriptor: what belongs to the process and the file goes, whoever else has the file open.
pub fn closed_by(process: &Process, entry: &Descriptor) {
    crate::fs::locks::closed(&entry.file, process.pid);
    crate::ipc::mqueue::closed(&entry.file, process);
}

/// `close_range(2)`.
pub fn close_range(context: &mut Context<'_>, first: u32, last: u32, flags: u32) -> Outcome {
    const UNSHARE: u32 = 2;
    const CLOEXEC: u32 = 4;
    if first > last || flags & !(UNSHARE | CLOEXEC) != 0 {
        return Err(EINVAL.into());
    }
    let process = context.process();
    if flags & UNSHARE != 0 {
        let own = process.descriptors().copy();
        *process.descriptors.borrow_mut() = own;
    }
    let table = process.descriptors();
    for (fd, _) in table.all() {
        if (first..=last).contains(&fd.0.cast_unsigned()) {
            if flags & CLOEXEC != 0 {
                table.set_close_on_exec(fd, true)?;
            } else {
                closed(context, table.remove(fd)?);
            }
        }
    }
    Ok(0)
}

/// `dup(2)`.
pub fn dup(context: &mut Context<'_>, fd: Fd) -> Outcome {
    let table = context.process().descriptors();
    let file = table.get(fd)?;
    Ok(table.add(file, false)?.0 as usize)
}

/// `dup2(2)`.
pub fn dup2(context: &mut Context<'_>, old: Fd, new: Fd) -> Outcome {
    let table = context.process().descriptors();
    let file = table.get(old)?;
    if old != new {
        table.put(new, file, false)?.into_iter().for_each(|entry| closed(context, entry));
    }
    Ok(new.0 as usize)
}

/// `dup3(2)`.
pub fn dup3(context: &mut Context<'_>, old: Fd, new: Fd, flags: u32) -> Outcome {
    if flags & !OpenFlags::CLOEXEC.bits() != 0 || old == new {
        return Err(EINVAL.into());
    }
    let table = context.process().descriptors();
    let file = table.get(old)?;
    table.put(new, file, flags != 0)?.into_iter().for_each(|entry| closed(context, entry));
    Ok(new.0 as usize)
}

/// Status flags that `F_SETFL` changes.
const SETTABLE: OpenFlags =
    OpenFlags::APPEND.union(OpenFlags::NONBLOCK).union(OpenFlags::DIRECT).union(OpenFlags::NOATIME);

/// `fcntl(2)`.
pub fn fcntl(context: &mut Context<'_>, fd: Fd, command: u32, argument: u64) -> Outcome {
    let table = context.process().descriptors();
    let entry = table.entry(fd)?;
    let file = &entry.file;
    if file.flags.get().contains(OpenFlags::PATH) && !matches!(command, 0 | 1 | 2 | 3 | 1030) {
        return Err(EBADF.into());
    }
    match command {
        // F_DUPFD, F_DUPFD_CLOEXEC
        0 | 1030 => {
            let lowest = usize::try_from(argument as i32).map_err(|_| EINVAL)?;
            if lowest >= table.limit() {
                return Err(EINVAL.into());
            }
            Ok(table.add_from(lowest, file.clone(), command == 1030)?.0 as usize)
        }
        // F_GETFD, F_SETFD
        1 => Ok(usize::from(entry.close_on_exec)),
        2 => {
            table.set_close_on_exec(fd, argument & 1 != 0)?;
            Ok(0)
        }
        // F_GETFL, F_SETFL
        3 => Ok(file.flags.get().bits() as usize),
        4 => {
            let wanted = OpenFlags::from_bits_truncate(argument as u32) & SETTABLE;
            let packets = file.downcast::<PipeEnd>().is_some()
                || opened(&file.object).is_some_and(|opened| !opened.inode.is_directory());
            if wanted.contains(OpenFlags::DIRECT) && !packets {
                return Err(EINVAL.into());
            }
            let own = opened(&file.object).map(|opened| opened.inode.clone());
            if let Some(inode) = own.filter(|_| (wanted - file.flags.get()).contains(OpenFlags::NOATIME)) {
                inode.check_owner(&Caller::of(&context.process().credentials.borrow()))?;
            }
            let on = OpenFlags::from_bits_truncate(argument as u32).contains(OpenFlags::ASYNC);
            // An object that knows nothing of it keeps quiet.
            let _ = asynchronous::set(file, fd.0, on, &context.process().credentials.borrow());
            file.flags.set((file.flags.get() - SETTABLE) | wanted);
            Ok(0)
        }
        // F_GETLK, F_SETLK, F_SETLKW and the same for open file descriptions
        5..=7 | 36..=38 => super::locks::record_lock(context, file, command, UserAddr(argument)),
        // F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG, F_SETOWN_EX, F_GETOWN_EX
        8..=11 | 15 | 16 => super::owners::control(file, command, argument),
        // F_GETLEASE: F_UNLCK; there are no leases.
        1025 => Ok(2),
        // F_NOTIFY: nothing to be told.
        1026 if argument == 0 => Ok(0),
        // F_DUPFD_QUERY
        1027 => {
            let other = table.get(Fd(argument as i32))?;
            Ok(usize::from(alloc::rc::Rc::ptr_eq(&other, file)))
        }
        // F_GET_RW_HINT, F_SET_RW_HINT
        1035 | 1036 => {
            const LONGEST: u64 = 5;
            let hint = UserPtr::<u64>::new(argument);
            let inode = opened(&file.object).map(|opened| opened.inode.clone());
            if inode.is_none() && command == 1035 {
                // What has no node has no hint.
                hint.write(0)?;
                return Ok(0);
            }
            let inode = inode.ok_or(EINVAL)?;
            if command == 1036 {
                inode.check_owner(&Caller::of(&context.process().credentials.borrow()))?;
            }
            if command == 1035 {
                hint.write(u64::from(inode.write_hint.get()))?;
            } else {
                let wanted = hint.read()?;
                inode.write_hint.set(u8::try_from(wanted).ok().filter(|_| wanted <= LONGEST).ok_or(EINVAL)?);
            }
            Ok(0)
        }
        // F_SETPIPE_SZ, F_GETPIPE_SZ
        1031 | 1032 => {
            let end = file.downcast::<PipeEnd>().ok_or(EBADF)?;
            if command == 1032 { Ok(end.pipe.capacity()) } else { Ok(end.pipe.set_capacity(argument as u32)?) }
        }
        // F_ADD_SEALS, F_GET_SEALS
        1033 | 1034 => {
            let inode = opened(&file.object).map(|opened| opened.inode.clone());
            let added = argument as u32;
            if command == 1033 && !file.flags.get().writable() {
                return Err(EPERM.into());
            }
            if command == 1033 && added & !ALL_SEALS != 0 {
                return Err(EINVAL.into());
            }
            let inode = inode.ok_or(EINVAL)?;
            let data = inode.data().ok_or(EINVAL)?;
            let mut seals = data.seals.get().ok_or(EINVAL)?;
            if command == 1034 {
                return Ok(seals as usize);
            }
            if seals & SEAL_SEAL != 0 {
                return Err(EPERM.into());
            }
            if added & SEAL_WRITE != 0 && seals & SEAL_WRITE == 0 && data.has_writable_mappings() {
                return Err(EBUSY.into());
            }
            seals |= added;
            if added & SEAL_EXEC != 0 && inode.meta().mode & 0o111 != 0 {
                // What can be executed shall not be changed either.
                seals |= SEAL_SHRINK | SEAL_GROW | SEAL_WRITE | SEAL_FUTURE_WRITE;
            }
            data.seals.set(Some(seals));
            Ok(0)
        }
        _ => {
            kernel().note_unsupported(&alloc::format!("fcntl {command}"));
            Err(EINVAL.into())
        }
    }
}

/// `ioctl(2)`.
pub fn ioctl(context: &mut Context<'_>, fd: Fd, request: u32, argument: UserAddr) -> Outcome {
    const FIONBIO: u32 = 0x5421;
    const FIONREAD: u32 = 0x541b;
    const FIONCLEX: u32 = 0x5450;
    const FIOCLEX: u32 = 0x5451;
    const FIOASYNC: u32 = 0x5452;
    const FIOQSIZE: u32 = 0x5460;
    const FIOSETOWN: u32 = 0x8901;
    const SIOCSPGRP: u32 = 0x8902;
    const FIOGETOWN: u32 = 0x8903;
    const SIOCGPGRP: u32 = 0x8904;
    const F_SETOWN: u32 = 8;
    const F_GETOWN: u32 = 9;
    let table = context.process().descriptors();
    let file = table.get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    match request {
        FIOASYNC => {
            let on = UserPtr::<i32>::new(argument.0).read()? != 0;
            asynchronous::set(&file, fd.0, on, &context.process().credentials.borrow())?;
            Ok(0)
        }
        FIOSETOWN | SIOCSPGRP if file.object.as_socket().is_some() => {
            let owner = UserPtr::<i32>::new(argument.0).read()?;
            super::owners::control(&file, F_SETOWN, i64::from(owner).cast_unsigned())
        }
        FIOGETOWN | SIOCGPGRP if file.object.as_socket().is_some() => {
            let owner = super::owners::control(&file, F_GETOWN, 0)?;
            UserPtr::<i32>::new(argument.0).write(owner as i32)?;
            Ok(0)
        }
        FIONBIO => {
            let on = UserPtr::<i32>::new(argument.0).read()? != 0;
            let mut flags = file.flags.get();
            flags.set(OpenFlags::NONBLOCK, on);
            file.flags.set(flags);
            Ok(0)
        }
        FIOCLEX | FIONCLEX => {
            table.set_close_on_exec(fd, request == FIOCLEX)?;
            Ok(0)
        }
        FIOQSIZE if is_measured(file.object.stat()?.mode) => {
            UserPtr::<u64>::new(argument.0).write(file.object.stat()?.size)?;
            Ok(0)
        }
        FIONREAD if opened(&file.object).is_some() && file.object.stat()?.mode & S_IFMT == S_IFREG => {
            let left = file.object.stat()?.size.saturating_sub(file.position.get());
            UserPtr::<u32>::new(argument.0).write(u32::try_from(left).unwrap_or(i32::MAX as u32))?;
            Ok(0)
        }
        _ => file.object.ioctl(context, &file, request, argument),
    }
}

/// Whether `FIOQSIZE` tells its size: of files, directories and links.
fn is_measured(mode: u32) -> bool {
    matches!(mode & S_IFMT, S_IFREG | S_IFDIR | S_IFLNK)
}

/// `fsync(2)`, `fdatasync(2)`: memory has nothing to be written to.
pub fn fsync(context: &mut Context<'_>, fd: Fd) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    match opened(&file.object) {
        Some(opened) if !matches!(opened.inode.device, PROC_DEVICE | SYS_DEVICE) => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `syncfs(2)`.
pub fn syncfs(context: &mut Context<'_>, fd: Fd) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) { Err(EBADF.into()) } else { Ok(0) }
}

/// `sync(2)`.
pub fn sync(_context: &mut Context<'_>) -> Outcome {
    Ok(0)
}

/// `flock(2)`.
pub fn flock(context: &mut Context<'_>, fd: Fd, operation: u32) -> Outcome {
    /// `LOCK_MAND`: served no more since Linux 5.18, and no error.
    const MANDATORY: u32 = 32;
    if operation & MANDATORY != 0 {
        return Ok(0);
    }
    // LOCK_SH, LOCK_EX, LOCK_UN, with or without LOCK_NB
    if !matches!(operation & !4, 1 | 2 | 8) {
        return Err(EINVAL.into());
    }
    let file = context.process().descriptors().get(fd)?;
    super::locks::flock(context, &file, operation)
}

/// Reads a `struct flock`: type, whence, start, length, pid.
pub(super) fn read_lock(from: UserAddr) -> Result<(i16, i16, i64, i64, i32), Errno> {
    let mut bytes = [0u8; 32];
    copy_in(&mut bytes, from)?;
    let half = |at: usize| i16::from_ne_bytes([bytes[at], bytes[at + 1]]);
    let word = |at: usize| {
        let mut word = [0u8; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        i64::from_ne_bytes(word)
    };
    Ok((half(0), half(2), word(8), word(16), word(24) as i32))
}

/// Writes a `struct flock`.
pub(super) fn write_lock(to: UserAddr, kind: i16, start: i64, len: i64, pid: i32) -> Result<(), Errno> {
    let mut bytes = [0u8; 32];
    copy_in(&mut bytes, to)?;
    bytes[0..2].copy_from_slice(&kind.to_ne_bytes());
    bytes[2..4].copy_from_slice(&0i16.to_ne_bytes());
    bytes[8..16].copy_from_slice(&start.to_ne_bytes());
    bytes[16..24].copy_from_slice(&len.to_ne_bytes());
    bytes[24..28].copy_from_slice(&pid.to_ne_bytes());
    copy_out(to, &bytes)
}
