//! `process_vm_readv(2)` and `process_vm_writev(2)`.

use super::{Context, Outcome};
use crate::errno::{EFAULT, EINVAL, EPERM, ESRCH, Errno};
use crate::kernel;
use crate::task::{Pid, Tid, exit};
use crate::user_memory::{Sink, Source, UserAddr, UserBuffers, UserPtr, copy_in_partly, copy_out_partly};

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
