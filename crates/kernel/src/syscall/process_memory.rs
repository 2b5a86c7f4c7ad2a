//! `process_vm_readv(2)` and `process_vm_writev(2)`.

use super::{Context, Outcome};
use crate::errno::{EFAULT, EINVAL, EPERM, ESRCH, Errno};
use crate::kernel;
use crate::task::{Pid, Tid, exit};
use crate::user_memory::{Sink, Source, UserAddr, UserBuffers, UserPtr, copy_in_partly, copy_out_partly};
use alloc::vec::Vec;

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
    let (mut buffers, parts) = prepare(local, local_count, remote, remote_count, flags)?;
    if buffers.room() == 0 || parts.is_empty() {
        return Ok(0);
    }
    check_process(context, pid)?;
    each_piece(&parts, |address, piece, done| {
        let piece = &mut piece[..done.min(buffers.room())];
        let there = copy_in_partly(piece, address).unwrap_or(0);
        let moved = if there == 0 { 0 } else { buffers.put(&piece[..there])? };
        Ok((moved, buffers.room() == 0))
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
    let (mut buffers, parts) = prepare(local, local_count, remote, remote_count, flags)?;
    if buffers.left() == 0 || parts.is_empty() {
        return Ok(0);
    }
    check_process(context, pid)?;
    each_piece(&parts, |address, piece, done| {
        let piece = &mut piece[..done.min(buffers.left())];
        let taken = buffers.take(piece)?;
        let moved = copy_out_partly(address, &piece[..taken]).unwrap_or(0);
        Ok((moved, buffers.left() == 0))
    })
}

type Parts = Vec<[u64; 2]>;

fn prepare(
    local: UserPtr<[u64; 2]>,
    local_count: usize,
    remote: UserPtr<[u64; 2]>,
    remote_count: usize,
    flags: u64,
) -> Result<(UserBuffers, Parts), Errno> {
    if flags != 0 || local_count > MOST_PARTS {
        return Err(EINVAL);
    }
    let buffers = UserBuffers::vector(local, local_count)?;
    if remote_count > MOST_PARTS {
        return Err(EINVAL);
    }
    let parts = remote.read_many(remote_count)?;
    if parts.iter().any(|[_, len]| *len > i64::MAX as u64) {
        return Err(EINVAL);
    }
    Ok((buffers, parts))
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

/// Goes through the other side piece by piece, until `step` says that it is done or moves less than it could.
fn each_piece(
    parts: &Parts,
    mut step: impl FnMut(UserAddr, &mut [u8], usize) -> Result<(usize, bool), Errno>,
) -> Outcome {
    let mut piece = alloc::vec![0; PIECE];
    let mut total = 0;
    for [address, len] in parts {
        let mut done = 0;
        while done < *len {
            let wanted = (*len - done).min(PIECE as u64) as usize;
            let (moved, finished) = match step(UserAddr(*address).add(done), &mut piece, wanted) {
                Ok(result) => result,
                Err(errno) if total == 0 => return Err(errno.into()),
                Err(_) => return Ok(total),
            };
            total += moved;
            done += moved as u64;
            if finished {
                return Ok(total);
            }
            if moved < wanted {
                return if total == 0 { Err(EFAULT.into()) } else { Ok(total) };
            }
        }
    }
    Ok(total)
}
