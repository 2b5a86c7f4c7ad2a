//! Reading and writing.

use super::arguments::Fd;
use super::{Context, Outcome, Stop};
use crate::errno::{EAGAIN, EBADF, EINVAL, EOPNOTSUPP, ESPIPE, Errno};
use crate::fs::data::MAX_SIZE;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::user_memory::{Sink, Source, UserAddr, UserBuffers, UserPtr};
use crate::wait::Progress;
use alloc::rc::Rc;

/// Where a transfer happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the file's position, which moves.
    Position,
    /// At an offset; the position stays.
    Offset(u64),
}

impl At {
    fn offset(offset: i64) -> Result<Self, Errno> {
        u64::try_from(offset).map(Self::Offset).map_err(|_| EINVAL)
    }

    /// For `preadv2`: -1 means the position.
    fn offset_or_position(offset: i64) -> Result<Self, Errno> {
        if offset == -1 { Ok(Self::Position) } else { Self::offset(offset) }
    }
}

/// Where a call finds its buffers. They are looked at after the descriptor, as in Linux.
enum Buffers {
    One(UserAddr, usize),
    Vector(UserPtr<[u64; 2]>, usize),
}

impl Buffers {
    fn get(self) -> Result<UserBuffers, Errno> {
        match self {
            Self::One(buffer, len) => UserBuffers::one(buffer, len),
            Self::Vector(array, count) => UserBuffers::vector(array, count),
        }
    }
}

/// The open file of a call that has an offset or not.
fn file_for(context: &Context<'_>, fd: Fd, at: At) -> Result<Rc<OpenFile>, Errno> {
    let file = context.process().descriptors().get(fd)?;
    if matches!(at, At::Offset(_)) && !file.object.seekable() && !file.flags.get().contains(OpenFlags::PATH) {
        return Err(ESPIPE);
    }
    Ok(file)
}

/// A transfer may not reach beyond what an offset can say.
fn check_end(at: At, len: usize) -> Result<(), Errno> {
    match at {
        At::Offset(offset) if offset.saturating_add(len as u64) > i64::MAX.cast_unsigned() => Err(EINVAL),
        _ => Ok(()),
    }
}

fn read_into(file: &Rc<OpenFile>, sink: &mut dyn Sink, at: At) -> Outcome {
    match at {
        At::Offset(offset) => file.object.read(file, sink, offset),
        At::Position => {
            let position = file.position.get();
            let moved = file.object.read(file, sink, position)?;
            if file.object.seekable() {
                file.position.set(position + moved as u64);
            }
            Ok(moved)
        }
    }
}

fn read_file(context: &Context<'_>, fd: Fd, buffers: Buffers, at: At) -> Outcome {
    let file = file_for(context, fd, at)?;
    file.check_readable()?;
    let is_vector = matches!(buffers, Buffers::Vector(..));
    let mut buffers = buffers.get()?;
    check_end(at, buffers.room())?;
    // Only a vector without room is never handed to the file, which might wait (`vfs_readv`).
    if is_vector && buffers.room() == 0 {
        return Ok(0);
    }
    if context.timed_out() {
        return file.object.read_in_time(&file, &mut buffers);
    }
    read_into(&file, &mut buffers, at)
}

/// Writes all of a source, over as many waits as that takes.
fn write_from(file: &Rc<OpenFile>, source: &mut dyn Source, at: At, mut done: usize) -> Outcome {
    let seekable = file.object.seekable();
    // Not what is left in the source: `/dev/null` takes everything without looking at it.
    let whole = done + source.left();
    loop {
        let position = match at {
            _ if !seekable => 0,
            // No byte moves the position to the end.
            _ if file.flags.get().contains(OpenFlags::APPEND) && whole > 0 => file.object.stat()?.size,
            At::Offset(offset) => offset,
            At::Position => file.position.get(),
        };
        match file.object.write(file, source, position) {
            Ok(moved) => {
                done += moved;
                if seekable && at == At::Position {
                    file.position.set(position + moved as u64);
                }
                // What a file takes only a part of (its limit, no space) it will not take the next time either.
                if moved == 0 || done >= whole || seekable {
                    return Ok(done);
                }
            }
            Err(Stop::Wait(wait, rule)) => {
                if let Progress::Bytes(moved) = wait.progress {
                    done += moved;
                }
                return Err(Stop::Wait(wait.progress(Progress::Bytes(done)), rule));
            }
            Err(Stop::Errno(_)) if done > 0 => return Ok(done),
            Err(stop) => return Err(stop),
        }
    }
}

fn write_file(context: &Context<'_>, fd: Fd, buffers: Buffers, at: At) -> Outcome {
    let file = file_for(context, fd, at)?;
    file.check_writable()?;
    let is_vector = matches!(buffers, Buffers::Vector(..));
    let mut buffers = buffers.get()?;
    check_end(at, buffers.left())?;
    if is_vector && buffers.left() == 0 {
        return Ok(0);
    }
    let done = context.bytes_done();
    if context.timed_out() {
        return if done > 0 { Ok(done) } else { Err(EAGAIN.into()) };
    }
    buffers.skip(done);
    write_from(&file, &mut buffers, at, done)
}

/// `read(2)`.
pub fn read(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize) -> Outcome {
    read_file(context, fd, Buffers::One(buffer, len), At::Position)
}

/// `write(2)`.
pub fn write(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize) -> Outcome {
    write_file(context, fd, Buffers::One(buffer, len), At::Position)
}

/// `pread64(2)`.
pub fn pread64(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize, offset: i64) -> Outcome {
    read_file(context, fd, Buffers::One(buffer, len), At::offset(offset)?)
}

/// `pwrite64(2)`.
pub fn pwrite64(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize, offset: i64) -> Outcome {
    write_file(context, fd, Buffers::One(buffer, len), At::offset(offset)?)
}

/// `readv(2)`.
pub fn readv(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize) -> Outcome {
    read_file(context, fd, Buffers::Vector(vector, count), At::Position)
}

/// `writev(2)`.
pub fn writev(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize) -> Outcome {
    write_file(context, fd, Buffers::Vector(vector, count), At::Position)
}

/// `preadv(2)`.
pub fn preadv(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64) -> Outcome {
    read_file(context, fd, Buffers::Vector(vector, count), At::offset(offset)?)
}

/// `pwritev(2)`.
pub fn pwritev(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64) -> Outcome {
    write_file(context, fd, Buffers::Vector(vector, count), At::offset(offset)?)
}

/// Which way `preadv2` and `pwritev2` go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

fn transfer2(
    context: &Context<'_>,
    fd: Fd,
    vector: UserPtr<[u64; 2]>,
    count: usize,
    offset: i64,
    flags: u32,
    direction: Direction,
) -> Outcome {
    /// `RWF_HIPRI | RWF_DSYNC | RWF_SYNC`: nothing here is slower for them.
    const IGNORED: u32 = 1 | 2 | 4;
    const NOWAIT: u32 = 8;
    const APPEND: u32 = 16;
    const NOAPPEND: u32 = 32;
    let at = At::offset_or_position(offset)?;
    let move_bytes = || match direction {
        Direction::Read => read_file(context, fd, Buffers::Vector(vector, count), at),
        Direction::Write => write_file(context, fd, Buffers::Vector(vector, count), at),
    };
    if flags & !IGNORED == 0 {
        return move_bytes();
    }
    let file = file_for(context, fd, at)?;
    match direction {
        Direction::Read => file.check_readable()?,
        Direction::Write => file.check_writable()?,
    }
    let left = match Buffers::Vector(vector, count).get() {
        Ok(buffers) => buffers.left(),
        Err(errno) => return Err(errno.into()),
    };
    if left == 0 {
        return Ok(0);
    }
    if flags & !(IGNORED | NOWAIT | APPEND | NOAPPEND) != 0 {
        return Err(EOPNOTSUPP.into());
    }
    let append = flags & (APPEND | NOAPPEND);
    if append == APPEND | NOAPPEND {
        return Err(EINVAL.into());
    }
    // The flags hold for this call alone; nobody else sees them, since the kernel's lock is held.
    let before = file.flags.get();
    let mut during = before;
    during.set(OpenFlags::NONBLOCK, before.contains(OpenFlags::NONBLOCK) || flags & NOWAIT != 0);
    if append != 0 {
        during.set(OpenFlags::APPEND, append == APPEND);
    }
    file.flags.set(during);
    let outcome = move_bytes();
    file.flags.set(before);
    outcome
}

/// `preadv2(2)`.
pub fn preadv2(
    context: &mut Context<'_>,
    fd: Fd,
    vector: UserPtr<[u64; 2]>,
    count: usize,
    offset: i64,
    _high: u64,
    flags: u32,
) -> Outcome {
    transfer2(context, fd, vector, count, offset, flags, Direction::Read)
}

/// `pwritev2(2)`.
pub fn pwritev2(
    context: &mut Context<'_>,
    fd: Fd,
    vector: UserPtr<[u64; 2]>,
    count: usize,
    offset: i64,
    _high: u64,
    flags: u32,
) -> Outcome {
    transfer2(context, fd, vector, count, offset, flags, Direction::Write)
}

/// `lseek(2)`.
pub fn lseek(context: &mut Context<'_>, fd: Fd, offset: i64, whence: u32) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    if whence > 4 {
        return Err(EINVAL.into());
    }
    if file.object.stays_at_start() {
        return Ok(0);
    }
    if !file.object.seekable() {
        return Err(ESPIPE.into());
    }
    let position = match whence {
        0 => u64::try_from(offset).map_err(|_| EINVAL)?,
        1 => file.position.get().checked_add_signed(offset).ok_or(EINVAL)?,
        2..=4 => file.object.seek(&file, offset, whence)?,
        _ => return Err(EINVAL.into()),
    };
    // Beyond the longest file nothing can be; and a position must never look like a heap address.
    if position > MAX_SIZE {
        return Err(EINVAL.into());
    }
    file.position.set(position);
    Ok(position as usize)
}
