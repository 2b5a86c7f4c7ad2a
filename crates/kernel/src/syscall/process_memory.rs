//! `process_vm_readv(2)`, `process_vm_writev(2)` and `process_madvise(2)`.

use super::arguments::Fd;
use super::{Context, Outcome, Stop};
use crate::errno::{EBADF, EFAULT, EINVAL, ENOMEM, EPERM, ESRCH, Errno};
use crate::events::pidfd::PidFd;
use crate::host::GuestRange;
use crate::kernel;
use crate::mm::page_up;
use crate::task::{Pid, Process, Tid, exit};
use crate::user_memory::{Sink, Source, UserAddr, UserBuffers, UserPtr, copy_in_partly, copy_out_partly};
use abi::layout::PAGE_SIZE;
use alloc::rc::Rc;

/// Bytes that are moved at once.
const PIECE: usize = 64 << 10;
const MOST_PARTS: usize = 1024;

/// `process_vm_readv(2)`.
pub fn process_vm_readv(
    context: &mut Context<'_>,
    pid: i32,
    local: UserPtr<[u64; 2]>,
    local_count: usize,
    remote: UserPtr<[u64; 2]>,
    remote_count: usize,
    flags: u64,
) -> Outcome {
    transfer(context, pid, (local, local_count), (remote, remote_count), flags, |buffers, address, piece| {
        let there = copy_in_partly(piece, address).unwrap_or(0);
        if there == 0 { Ok(0) } else { buffers.put(&piece[..there]) }
    })
}

/// `process_vm_writev(2)`.
pub fn process_vm_writev(
    context: &mut Context<'_>,
    pid: i32,
    local: UserPtr<[u64; 2]>,
    local_count: usize,
    remote: UserPtr<[u64; 2]>,
    remote_count: usize,
    flags: u64,
) -> Outcome {
    transfer(context, pid, (local, local_count), (remote, remote_count), flags, |buffers, address, piece| {
        let taken = buffers.take(piece)?;
        Ok(copy_out_partly(address, &piece[..taken]).unwrap_or(0))
    })
}

/// `process_madvise(2)`: of another process only such advice as changes nothing that it sees.
pub fn process_madvise(
    context: &mut Context<'_>,
    fd: Fd,
    vector: UserPtr<[u64; 2]>,
    count: usize,
    advice: i32,
    flags: u32,
) -> Outcome {
    const WILLNEED: i32 = 3;
    const COLD: i32 = 20;
    const PAGEOUT: i32 = 21;
    const COLLAPSE: i32 = 25;
    if flags != 0 || count > MOST_PARTS {
        return Err(EINVAL.into());
    }
    let parts = vector.read_many(count)?;
    let file = super::pidfds::find(context, fd)?;
    let pidfd = file.downcast::<PidFd>().ok_or(EBADF)?;
    if pidfd.is_gone() || pidfd.process.is_zombie() {
        return Err(ESRCH.into());
    }
    let target = pidfd.process.clone();
    let is_own = Rc::ptr_eq(&target.space(), &context.process().space());
    let harmless = matches!(advice, WILLNEED | COLD | PAGEOUT | COLLAPSE);
    let allowed = harmless || is_own && matches!(advice, 0..=4 | 8..=25);
    if !allowed {
        return Err(EINVAL.into());
    }
    if !super::pidfds::may_look_into(context, &target) {
        return Err(EPERM.into());
    }
    let mut done = 0;
    for [start, len] in parts {
        let outcome = match is_own {
            true => super::memory::madvise(context, UserAddr(start), len, advice).map(drop),
            false => check_range(&target, start, len).map_err(Stop::from),
        };
        match outcome {
            Ok(()) => done += len as usize,
            Err(stop) if done == 0 => return Err(stop),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// Whether advice about a range of another process would be taken.
fn check_range(target: &Process, start: u64, len: u64) -> Result<(), Errno> {
    let len = page_up(len).ok_or(EINVAL)?;
    if !start.is_multiple_of(PAGE_SIZE) {
        return Err(EINVAL);
    }
    let range = GuestRange::new(start, len).map_err(|_| ENOMEM)?;
    if len == 0 || target.space().parts(range).1 { Ok(()) } else { Err(ENOMEM) }
}

type Vector = (UserPtr<[u64; 2]>, usize);

/// Goes through the other side piece by piece; `step` moves what it can of one between there and the caller's buffers.
/// Ends when those are used up, or when less is moved than could have been.
fn transfer(
    context: &Context<'_>,
    pid: i32,
    (local, local_count): Vector,
    (remote, remote_count): Vector,
    flags: u64,
    mut step: impl FnMut(&mut UserBuffers, UserAddr, &mut [u8]) -> Result<usize, Errno>,
) -> Outcome {
    if flags != 0 || local_count > MOST_PARTS {
        return Err(EINVAL.into());
    }
    let mut buffers = UserBuffers::vector(local, local_count)?;
    if remote_count > MOST_PARTS {
        return Err(EINVAL.into());
    }
    let parts = remote.read_many(remote_count)?;
    if parts.iter().any(|[_, len]| *len > i64::MAX as u64) {
        return Err(EINVAL.into());
    }
    if buffers.room() == 0 || parts.is_empty() {
        return Ok(0);
    }
    check_process(context, pid)?;
    let mut piece = alloc::vec![0; PIECE];
    let mut total = 0;
    for [address, len] in parts {
        let mut done = 0;
        while done < len {
            let wanted = (len - done).min(PIECE as u64) as usize;
            let possible = wanted.min(buffers.room());
            let moved = match step(&mut buffers, UserAddr(address).add(done), &mut piece[..possible]) {
                Ok(moved) => moved,
                Err(errno) if total == 0 => return Err(errno.into()),
                Err(_) => return Ok(total),
            };
            total += moved;
            done += moved as u64;
            if buffers.room() == 0 {
                return Ok(total);
            }
            if moved < wanted {
                return if total == 0 { Err(EFAULT.into()) } else { Ok(total) };
            }
        }
    }
    Ok(total)
}

/// The process must be the caller's own: that of another one is not mapped here.
fn check_process(context: &Context<'_>, pid: i32) -> Result<(), Errno> {
    let pid = u32::try_from(pid).map_err(|_| ESRCH)?;
    let process = exit::find_process(Pid(pid)).or_else(|| kernel().thread(Tid(pid)).map(|thread| thread.process()));
    if process.ok_or(ESRCH)?.pid == context.process().pid {
        return Ok(());
    }
    kernel().note_unsupported("process_vm_readv and process_vm_writev on another process");
    Err(EPERM)
}
