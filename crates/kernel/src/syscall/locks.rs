//! File locks: `flock(2)` and the record locks of `fcntl(2)`.

use super::descriptors::{read_lock, write_lock};
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EAGAIN, EBADF, EINVAL, Errno};
use crate::fs::file::OpenFile;
use crate::fs::locks::{Kind, Owner, Range, locks_of};
use crate::user_memory::UserAddr;
use crate::wait::{Events, WaitFor};
use alloc::rc::Rc;

/// `F_RDLCK`.
const READ: i16 = 0;
/// `F_WRLCK`.
const WRITE: i16 = 1;
/// `F_UNLCK`.
const UNLOCK: i16 = 2;

/// `F_GETLK`, `F_SETLK`, `F_SETLKW`, `F_OFD_*`.
pub fn record_lock(context: &Context<'_>, file: &Rc<OpenFile>, command: u32, lock: UserAddr) -> Outcome {
    let (kind, whence, start, len, pid) = read_lock(lock)?;
    if command >= 36 && pid != 0 {
        return Err(EINVAL.into());
    }
    let base = match whence {
        0 => 0,
        1 => file.position.get(),
        2 => file.object.stat()?.size,
        _ => return Err(EINVAL.into()),
    };
    let range = range(base.cast_signed(), start, len)?;
    let owner = match command {
        5..=7 => Owner::Process(context.process().pid),
        _ => Owner::open_file(file),
    };
    let wanted = match kind {
        READ => Some(Kind::Shared),
        WRITE => Some(Kind::Exclusive),
        UNLOCK => None,
        _ => return Err(EINVAL.into()),
    };
    let locks = locks_of(file);
    if matches!(command, 5 | 36) {
        let Some(wanted) = wanted else { return Err(EINVAL.into()) };
        match locks.conflict(&owner, range, wanted) {
            Some(other) => {
                let kind = if other.kind == Kind::Shared { READ } else { WRITE };
                let (start, len) = other.range.start_and_len();
                write_lock(lock, kind, start, len, other.pid())?;
            }
            None => write_lock(lock, UNLOCK, start, len, 0)?,
        }
        return Ok(0);
    }
    match wanted {
        Some(Kind::Shared) => file.check_readable()?,
        Some(Kind::Exclusive) => file.check_writable()?,
        None => {
            locks.unlock(&owner, range);
            return Ok(0);
        }
    }
    let Some(wanted) = wanted else { return Err(EINVAL.into()) };
    if locks.lock(&owner, range, wanted) {
        return Ok(0);
    }
    if matches!(command, 6 | 37) {
        return Err(EAGAIN.into());
    }
    if let Owner::Process(pid) = owner {
        locks.will_wait(context.thread.tid, pid, range, wanted)?;
    }
    let wait = WaitFor::events(&locks.queue, Events::IN, "record lock");
    Err(Stop::Wait(wait, RestartRule::IfFlagged))
}

fn range(base: i64, start: i64, len: i64) -> Result<Range, Errno> {
    let start = base.checked_add(start).ok_or(crate::errno::EOVERFLOW)?;
    let (first, end) = match len {
        0 => (start, i64::MAX),
        1.. => {
            start.checked_add(len - 1).ok_or(crate::errno::EOVERFLOW)?;
            (start, start.saturating_add(len))
        }
        _ => (start.checked_add(len).ok_or(EINVAL)?, start),
    };
    let first = u64::try_from(first).map_err(|_| EINVAL)?;
    Ok(Range::new(first, end.cast_unsigned()))
}

/// `flock(2)`.
pub fn flock(_context: &Context<'_>, file: &Rc<OpenFile>, operation: u32) -> Outcome {
    const SHARED: u32 = 1;
    const EXCLUSIVE: u32 = 2;
    const NON_BLOCKING: u32 = 4;
    const UNLOCK: u32 = 8;
    if file.flags.get().contains(crate::fs::file::OpenFlags::PATH) {
        return Err(EBADF.into());
    }
    let locks = locks_of(file);
    let owner = Owner::whole_file(file);
    let range = Range::new(0, i64::MAX.cast_unsigned());
    let wanted = match operation & !NON_BLOCKING {
        SHARED => Kind::Shared,
        EXCLUSIVE => Kind::Exclusive,
        UNLOCK => {
            locks.unlock(&owner, range);
            return Ok(0);
        }
        _ => return Err(EINVAL.into()),
    };
    if locks.lock(&owner, range, wanted) {
        return Ok(0);
    }
    if operation & NON_BLOCKING != 0 {
        return Err(EAGAIN.into());
    }
    let wait = WaitFor::events(&locks.queue, Events::IN, "file lock");
    Err(Stop::Wait(wait, RestartRule::IfFlagged))
}
