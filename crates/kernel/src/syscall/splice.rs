//! Through pipes: `splice`, `tee`, `vmsplice`. Bytes are copied; what programs see is the same.

use super::arguments::Fd;
use super::{Context, Outcome, Stop};
use crate::errno::{EAGAIN, EBADF, EINVAL, ESPIPE, Errno};
use crate::events::epoll::Epoll;
use crate::events::eventfd::EventFd;
use crate::events::signalfd::SignalFd;
use crate::events::timerfd::TimerFd;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::fs::inode::{S_IFMT, S_IFREG};
use crate::fs::open::opened;
use crate::ipc::pipe::{Pipe, PipeEnd};
use crate::user_memory::{Sink, Source, UserBuffers, UserPtr};
use alloc::rc::Rc;

/// Bytes moved at once; as much as a pipe holds at first.
const PIECE: usize = 64 << 10;
/// `SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT`.
const KNOWN: u32 = 15;
/// `SPLICE_F_NONBLOCK`.
const NONBLOCK: u32 = 2;

fn pipe_of(file: &Rc<OpenFile>) -> Option<Rc<Pipe>> {
    file.downcast::<PipeEnd>().map(|end| end.pipe.clone())
}

/// Runs an operation of a pipe's end as if the end were non-blocking.
fn with_flags<T>(file: &OpenFile, flags: u32, run: impl FnOnce() -> T) -> T {
    let before = file.flags.get();
    if flags & NONBLOCK != 0 {
        file.flags.set(before | OpenFlags::NONBLOCK);
    }
    let result = run();
    file.flags.set(before);
    result
}

/// Waits until a pipe's end has something to read; answers whether it ever will.
fn wait_for_data(pipe: &Pipe, file: &Rc<OpenFile>, flags: u32) -> Result<bool, Stop> {
    if !pipe.is_empty() {
        return Ok(true);
    }
    // A read into no room never takes anything, and one into some room waits or finds the end.
    let mut byte = [0u8];
    let mut sink = byte.as_mut_slice();
    with_flags(file, flags, || file.object.read(file, &mut sink, 0)).map(|_| false)
}

/// The answer when there is nothing more for a pipe: `EPIPE` all the same when nobody reads it.
fn nothing_for(output: &OpenFile) -> Outcome {
    if let Some(end) = output.downcast::<PipeEnd>() {
        end.check_readers()?;
    }
    Ok(0)
}

/// Waits until a pipe's end takes something; `SIGPIPE` and `EPIPE` when nobody reads.
fn wait_for_room(pipe: &Pipe, file: &Rc<OpenFile>, flags: u32) -> Result<usize, Stop> {
    let room = pipe.room();
    if room > 0 && pipe.is_read() {
        return Ok(room);
    }
    let mut source: &[u8] = &[0];
    match with_flags(file, flags, || file.object.write(file, &mut source, 0)) {
        Ok(_) => Err(EAGAIN.into()),
        Err(stop) => Err(stop),
    }
}

/// Whether a file that is no pipe can be the source of a splice.
pub(super) fn can_be_read(file: &OpenFile) -> bool {
    let regular = opened(&file.object).is_some_and(|opened| opened.inode.meta().mode & S_IFMT == S_IFREG);
    regular || matches!(file.object.kind(), "device" | "terminal") && file.object.name() != "/dev/null"
}

/// Where a splice reads or writes a file that is no pipe.
enum Place {
    Position,
    Offset(UserPtr<i64>, u64),
}

impl Place {
    fn new(file: &OpenFile, offset: UserPtr<i64>) -> Result<Self, Errno> {
        match offset.non_null() {
            None => Ok(Self::Position),
            Some(_) if !file.object.seekable() => Err(EINVAL),
            Some(pointer) => Ok(Self::Offset(pointer, u64::try_from(pointer.read()?).map_err(|_| EINVAL)?)),
        }
    }

    fn get(&self, file: &OpenFile) -> u64 {
        match self {
            Self::Position => file.position.get(),
            Self::Offset(_, offset) => *offset,
        }
    }

    fn advance(&self, file: &OpenFile, moved: usize) -> Result<(), Errno> {
        let to = self.get(file) + moved as u64;
        match self {
            Self::Position if file.object.seekable() => file.position.set(to),
            Self::Position => {}
            Self::Offset(pointer, _) => pointer.write(to.cast_signed())?,
        }
        Ok(())
    }
}

/// Copies from the front of a pipe to what `write` does with it; what was written is taken out.
fn drain(pipe: &Pipe, input: &Rc<OpenFile>, len: usize, write: impl FnOnce(&mut dyn Source) -> Outcome) -> Outcome {
    let mut buffer = alloc::vec![0u8; len.min(pipe.len()).min(PIECE)];
    let filled = pipe.peek(&mut buffer.as_mut_slice(), len)?;
    let mut source = buffer.get(..filled).unwrap_or_default();
    let moved = match write(&mut source) {
        Ok(moved) => moved,
        // What a blocking write took before it had to wait is done; the rest is for the next call.
        Err(Stop::Wait(wait, rule)) => match wait.progress {
            crate::wait::Progress::Bytes(moved @ 1..) => moved,
            _ => return Err(Stop::Wait(wait, rule)),
        },
        Err(stop) => return Err(stop),
    };
    let mut taken = alloc::vec![0u8; moved];
    let mut sink = taken.as_mut_slice();
    input.object.read(input, &mut sink, 0)
}

/// Objects that give and take records.
fn never_spliced(file: &OpenFile) -> bool {
    let object = file.object.as_any();
    object.is::<EventFd>() || object.is::<Epoll>() || object.is::<SignalFd>() || object.is::<TimerFd>()
}

/// `splice(2)`.
pub fn splice(
    context: &mut Context<'_>,
    input: Fd,
    from: UserPtr<i64>,
    output: Fd,
    to: UserPtr<i64>,
    len: usize,
    flags: u32,
) -> Outcome {
    if len == 0 {
        return Ok(0);
    }
    if flags & !KNOWN != 0 {
        return Err(EINVAL.into());
    }
    let table = context.process().descriptors();
    let (input, output) = (table.get(input)?, table.get(output)?);
    let (in_pipe, out_pipe) = (pipe_of(&input), pipe_of(&output));
    if in_pipe.is_some() && !from.is_null() || out_pipe.is_some() && !to.is_null() {
        return Err(ESPIPE.into());
    }
    input.check_readable()?;
    output.check_writable()?;
    if never_spliced(&output) {
        return Err(EINVAL.into());
    }
    match (in_pipe, out_pipe) {
        (None, None) => Err(EINVAL.into()),
        (Some(source), Some(target)) => {
            if Rc::ptr_eq(&source, &target) {
                return Err(EINVAL.into());
            }
            if !wait_for_data(&source, &input, flags)? {
                return nothing_for(&output);
            }
            let room = wait_for_room(&target, &output, flags)?;
            drain(&source, &input, len.min(room), |bytes| output.object.write(&output, bytes, 0))
        }
        (Some(source), None) => {
            let place = Place::new(&output, to)?;
            if output.flags.get().contains(OpenFlags::APPEND) {
                return Err(EINVAL.into());
            }
            if !wait_for_data(&source, &input, flags)? {
                return Ok(0);
            }
            let position = place.get(&output);
            let moved = drain(&source, &input, len, |bytes| output.object.write(&output, bytes, position))?;
            place.advance(&output, moved)?;
            Ok(moved)
        }
        (None, Some(target)) => {
            let place = Place::new(&input, from)?;
            let room = wait_for_room(&target, &output, flags)?;
            if !can_be_read(&input) && input.object.as_socket().is_none() {
                return Err(EINVAL.into());
            }
            let mut buffer = alloc::vec![0u8; len.min(room).min(PIECE)];
            let mut sink = buffer.as_mut_slice();
            let position = place.get(&input);
            let read = with_flags(&input, flags, || input.object.read(&input, &mut sink, position))?;
            let mut source = buffer.get(..read).unwrap_or_default();
            let moved = if read == 0 { 0 } else { output.object.write(&output, &mut source, 0)? };
            place.advance(&input, moved)?;
            Ok(moved)
        }
    }
}

/// `tee(2)`.
pub fn tee(context: &mut Context<'_>, input: Fd, output: Fd, len: usize, flags: u32) -> Outcome {
    if flags & !KNOWN != 0 {
        return Err(EINVAL.into());
    }
    if len == 0 {
        return Ok(0);
    }
    let table = context.process().descriptors();
    let (input, output) = (table.get(input)?, table.get(output)?);
    input.check_readable()?;
    output.check_writable()?;
    let (Some(source), Some(target)) = (pipe_of(&input), pipe_of(&output)) else { return Err(EINVAL.into()) };
    if Rc::ptr_eq(&source, &target) {
        return Err(EINVAL.into());
    }
    if !wait_for_data(&source, &input, flags)? {
        return nothing_for(&output);
    }
    let room = wait_for_room(&target, &output, flags)?;
    let mut buffer = alloc::vec![0u8; len.min(room).min(source.len())];
    let limit = buffer.len();
    let copied = source.peek(&mut buffer.as_mut_slice(), limit)?;
    let mut bytes = buffer.get(..copied).unwrap_or_default();
    output.object.write(&output, &mut bytes, 0)
}

/// `vmsplice(2)`: to a pipe from memory, or from a pipe to memory.
pub fn vmsplice(context: &mut Context<'_>, fd: Fd, vector: UserPtr<[u64; 2]>, count: usize, flags: u32) -> Outcome {
    if flags & !KNOWN != 0 {
        return Err(EINVAL.into());
    }
    let file = context.process().descriptors().get(fd)?;
    let writes = file.flags.get().writable();
    let mut buffers = UserBuffers::vector(vector, count)?;
    if Source::left(&buffers) == 0 {
        return Ok(0);
    }
    let pipe = pipe_of(&file).ok_or(EBADF)?;
    if !writes {
        if !wait_for_data(&pipe, &file, flags)? {
            return Ok(0);
        }
        return file.object.read(&file, &mut buffers as &mut dyn Sink, 0);
    }
    let room = wait_for_room(&pipe, &file, flags)?;
    let mut bytes = alloc::vec![0u8; Source::left(&buffers).min(room)];
    let taken = buffers.take(&mut bytes)?;
    let mut source = bytes.get(..taken).unwrap_or_default();
    file.object.write(&file, &mut source, 0)
}
