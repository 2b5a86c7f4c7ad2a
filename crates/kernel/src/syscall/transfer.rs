//! From file to file: `sendfile`, `copy_file_range`.

use super::arguments::Fd;
use super::{Context, Outcome, Stop};
use crate::errno::{EBADF, EFAULT, EFBIG, EINVAL, EISDIR, EOVERFLOW, ESPIPE, EXDEV, Errno};
use crate::fs::data::MAX_SIZE;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::fs::inode::{Content, Inode};
use crate::fs::open::opened;
use crate::ipc::pipe::PipeEnd;
use crate::user_memory::UserPtr;
use crate::wait::Progress;
use alloc::rc::Rc;

/// Bytes moved at once.
const PIECE: usize = 64 << 10;

/// A place in a file that moves on: its own position, or a number of the guest's.
struct Place {
    file: Rc<OpenFile>,
    offset: Option<UserPtr<i64>>,
}

impl Place {
    fn get(&self) -> Result<u64, Errno> {
        match self.offset {
            Some(offset) => u64::try_from(offset.read()?).map_err(|_| EINVAL),
            None => Ok(self.file.position.get()),
        }
    }

    fn advance(&self, from: u64, moved: usize) -> Result<(), Errno> {
        let to = from + moved as u64;
        match self.offset {
            Some(offset) => offset.write(to.cast_signed()),
            None => {
                if self.file.object.seekable() {
                    self.file.position.set(to);
                }
                Ok(())
            }
        }
    }
}

/// Whether a target that takes less than it is given is asked again: `sendfile` does, and meets `SIGXFSZ` that way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Short {
    AskAgain,
    Ends,
}

fn transfer(context: &Context<'_>, from: &Place, to: &Place, count: usize, short: Short) -> Outcome {
    let mut done = context.bytes_done();
    let count = count.min(0x7fff_f000);
    let mut buffer = alloc::vec![0u8; count.saturating_sub(done).min(PIECE)];
    let finish = |done: usize, stop: Stop| match stop {
        Stop::Wait(wait, rule) => {
            let moved = if let Progress::Bytes(moved) = wait.progress { moved } else { 0 };
            Err(Stop::Wait(wait.progress(Progress::Bytes(done + moved)), rule))
        }
        Stop::Errno(_) if done > 0 => Ok(done),
        stop => Err(stop),
    };
    while done < count {
        let start = from.get()?;
        let room = buffer.len().min(count - done);
        let Some(mut sink) = buffer.get_mut(..room) else { break };
        let read = match from.file.object.read(&from.file, &mut sink, start) {
            Ok(0) => break,
            Ok(read) => read,
            Err(stop) => return finish(done, stop),
        };
        let mut source = buffer.get(..read).unwrap_or_default();
        let target = to.get()?;
        match to.file.object.write(&to.file, &mut source, target) {
            Ok(written) => {
                from.advance(start, written)?;
                to.advance(target, written)?;
                done += written;
                if written < read && short == Short::Ends {
                    break;
                }
            }
            Err(Stop::Wait(wait, rule)) => {
                // What a pipe took before it was full counts for the input, too.
                if let Progress::Bytes(moved) = wait.progress {
                    from.advance(start, moved)?;
                    to.advance(target, moved)?;
                }
                return finish(done, Stop::Wait(wait, rule));
            }
            Err(stop) => return finish(done, stop),
        }
    }
    Ok(done)
}

/// `sendfile(2)`.
pub fn sendfile(context: &mut Context<'_>, out: Fd, input: Fd, offset: UserPtr<i64>, count: usize) -> Outcome {
    offset.non_null().map(UserPtr::read).transpose()?;
    let table = context.process().descriptors();
    let from = table.get(input)?;
    from.check_readable()?;
    if !offset.is_null() && !from.object.seekable() {
        return Err(ESPIPE.into());
    }
    let to = table.get(out)?;
    to.check_writable()?;
    let is_directory = opened(&from.object).is_some_and(|opened| opened.inode.is_directory());
    // Of nothing even a directory is a source.
    let is_source = super::splice::can_be_read(&from) || (is_directory && count == 0);
    let appends = to.flags.get().contains(OpenFlags::APPEND) && !to.object.as_any().is::<PipeEnd>();
    if !is_source || appends {
        return Err(EINVAL.into());
    }
    if let Some(end) = to.downcast::<PipeEnd>() {
        // Before the file is looked at: it may be at its end.
        end.check_readers()?;
    }
    let from = Place { file: from, offset: offset.non_null() };
    transfer(context, &from, &Place { file: to, offset: None }, count, Short::AskAgain)
}

/// `copy_file_range(2)`.
pub fn copy_file_range(
    context: &mut Context<'_>,
    input: Fd,
    from_offset: UserPtr<i64>,
    out: Fd,
    to_offset: UserPtr<i64>,
    len: usize,
    flags: u32,
) -> Outcome {
    let table = context.process().descriptors();
    let (from, to) = (table.get(input)?, table.get(out)?);
    if [&from, &to].iter().any(|file| file.flags.get().contains(OpenFlags::PATH)) {
        return Err(EBADF.into());
    }
    let from = Place { file: from, offset: from_offset.non_null() };
    let to = Place { file: to, offset: to_offset.non_null() };
    let beyond = |errno| if errno == EINVAL { EOVERFLOW } else { errno };
    let (start, target) = (from.get().map_err(beyond), to.get().map_err(beyond));
    if let (Err(EFAULT), _) | (_, Err(EFAULT)) = (start, target) {
        return Err(EFAULT.into());
    }
    if flags != 0 {
        return Err(EINVAL.into());
    }
    let inode = |place: &Place| opened(&place.file.object).map(|opened| opened.inode.clone());
    let (source, sink) = match (inode(&from), inode(&to)) {
        (Some(a), _) if a.is_directory() => return Err(EISDIR.into()),
        (_, Some(b)) if b.is_directory() => return Err(EISDIR.into()),
        (Some(a), Some(b)) => (a, b),
        _ => return Err(EINVAL.into()),
    };
    let is_file = |inode: &Inode| matches!(inode.content, Content::Regular(_) | Content::Generated(_));
    if !is_file(&source) || !is_file(&sink) {
        return Err(EINVAL.into());
    }
    from.file.check_readable()?;
    to.file.check_writable()?;
    if to.file.flags.get().contains(OpenFlags::APPEND) {
        return Err(EBADF.into());
    }
    let Some((data, _)) = source.data().zip(sink.data()) else { return Err(EXDEV.into()) };
    let (start, target) = (start?, target?);
    if start.max(target).checked_add(len as u64).is_none() {
        return Err(EOVERFLOW.into());
    }
    if target >= MAX_SIZE {
        return Err(EFBIG.into());
    }
    let count = (len as u64).min(data.size().saturating_sub(start));
    if Rc::ptr_eq(&source, &sink) && start < target.saturating_add(count) && target < start.saturating_add(count) {
        return Err(EINVAL.into());
    }
    // What it writes to its own file is not copied again.
    transfer(context, &from, &to, count as usize, Short::Ends)
}
