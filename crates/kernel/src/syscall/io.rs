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

fn readable(context: &Context<'_>, fd: Fd) -> Result<Rc<OpenFile>, Errno> {
    let file = context.process().descriptors().get(fd)?;
    file.check_readable()?;
    Ok(file)
}

fn writable(context: &Context<'_>, fd: Fd) -> Result<Rc<OpenFile>, Errno> {
    let file = context.process().descriptors().get(fd)?;
    file.check_writable()?;
    Ok(file)
}

fn read_into(file: &Rc<OpenFile>, sink: &mut dyn Sink, at: At) -> Outcome {
    match at {
        At::Offset(_) if !file.object.seekable() => Err(ESPIPE.into()),
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

fn read_file(context: &Context<'_>, fd: Fd, mut buffers: UserBuffers, at: At) -> Outcome {
    let file = readable(context, fd)?;
    if context.timed_out() {
        return file.object.read_in_time(&file, &mut buffers);
    }
    read_into(&file, &mut buffers, at)
}

/// Writes all of a source, over as many waits as that takes.
fn write_from(file: &Rc<OpenFile>, source: &mut dyn Source, at: At, mut done: usize) -> Outcome {
    let seekable = file.object.seekable();
    if matches!(at, At::Offset(_)) && !seekable {
        return Err(ESPIPE.into());
    }
    // Not what is left in the source: `/dev/null` takes everything without looking at it.
    let whole = done + source.left();
    loop {
        let position = match at {
            _ if !seekable => 0,
            _ if file.flags.get().contains(OpenFlags::APPEND) => file.object.stat()?.size,
            At::Offset(offset) => offset + done as u64,
            At::Position => file.position.get(),
        };
        match file.object.write(file, source, position) {
            Ok(moved) => {
                done += moved;
                if seekable && at == At::Position {
                    file.position.set(position + moved as u64);
                }
                if moved == 0 || done >= whole {
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

fn write_file(context: &Context<'_>, fd: Fd, mut buffers: UserBuffers, at: At) -> Outcome {
    let file = writable(context, fd)?;
    let done = context.bytes_done();
    if context.timed_out() {
        return if done > 0 { Ok(done) } else { Err(EAGAIN.into()) };
    }
    buffers.skip(done);
    write_from(&file, &mut buffers, at, done)
}

/// `read(2)`.
pub fn read(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize) -> Outcome {
    read_file(context, fd, UserBuffers::one(buffer, len)?, At::Position)
}

/// `write(2)`.
pub fn write(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize) -> Outcome {
    write_file(context, fd, UserBuffers::one(buffer, len)?, At::Position)
}

/// `pread64(2)`.
pub fn pread64(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize, offset: i64) -> Outcome {
    read_file(context, fd, UserBuffers::one(buffer, len)?, At::offset(offset)?)
}

/// `pwrite64(2)`.
pub fn pwrite64(context: &mut Context<'_>, fd: Fd, buffer: UserAddr, len: usize, offset: i64) -> Outcome {
    write_file(context, fd, UserBuffers::one(buffer, len)?, At::offset(offset)?)
}

/// `readv(2)`.
pub fn readv(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize) -> Outcome {
    read_file(context, fd, UserBuffers::vector(vector, count)?, At::Position)
}

/// `writev(2)`.
pub fn writev(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize) -> Outcome {
    write_file(context, fd, UserBuffers::vector(vector, count)?, At::Position)
}

/// `preadv(2)`.
pub fn preadv(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64) -> Outcome {
    read_file(context, fd, UserBuffers::vector(vector, count)?, At::offset(offset)?)
}

/// `pwritev(2)`.
pub fn pwritev(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, offset: i64) -> Outcome {
    write_file(context, fd, UserBuffers::vector(vector, count)?, At::offset(offset)?)
}

/// `RWF_HIPRI | RWF_DSYNC | RWF_SYNC`: nothing here is slower for them.
const RWF_IGNORED: u32 = 1 | 2 | 4;

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
    if flags & !RWF_IGNORED != 0 {
        return Err(EOPNOTSUPP.into());
    }
    read_file(context, fd, UserBuffers::vector(vector, count)?, At::offset_or_position(offset)?)
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
    if flags & !RWF_IGNORED != 0 {
        return Err(EOPNOTSUPP.into());
    }
    write_file(context, fd, UserBuffers::vector(vector, count)?, At::offset_or_position(offset)?)
}

/// `lseek(2)`.
pub fn lseek(context: &mut Context<'_>, fd: Fd, offset: i64, whence: u32) -> Outcome {
    let file = context.process().descriptors().get(fd)?;
    if file.flags.get().contains(OpenFlags::PATH) {
        return Err(EBADF.into());
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
