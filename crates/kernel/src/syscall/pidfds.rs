//! Descriptors of processes: `pidfd_open(2)` and its relatives.

use super::arguments::Fd;
use super::prctl::PR_SET_DUMPABLE;
use super::signals::{SignalNumber, check_permission, queued_info, sender_info};
use super::{Context, Outcome};
use crate::errno::{EBADF, EINVAL, EPERM, ESRCH, Errno};
use crate::events::pidfd::PidFd;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::kernel;
use crate::task::capability::CAP_SYS_PTRACE;
use crate::task::signal::queue::{INFO_SIZE, SI_TKILL, SI_USER};
use crate::task::signal::{self, Source};
use crate::task::{Process, Tid};
use crate::user_memory::UserPtr;
use alloc::rc::Rc;

/// Looks at the open file of a descriptor as one of a process.
///
/// # Errors
/// `EBADF`.
pub fn find(context: &Context<'_>, fd: Fd) -> Result<Rc<OpenFile>, Errno> {
    let file = context.process().descriptors().get(fd)?;
    if file.downcast::<PidFd>().is_some() { Ok(file) } else { Err(EBADF) }
}

/// `pidfd_open(2)`.
pub fn pidfd_open(context: &mut Context<'_>, pid: i32, flags: u32) -> Outcome {
    /// `PIDFD_THREAD`.
    const THREAD: u32 = OpenFlags::EXCL.bits();
    if flags & !(OpenFlags::NONBLOCK.bits() | THREAD) != 0 || pid <= 0 {
        return Err(EINVAL.into());
    }
    let number = kernel().tasks.meant(pid.cast_unsigned());
    let thread = kernel().thread(Tid(number));
    let process = kernel().tasks.processes.borrow().get(&crate::task::Pid(number)).cloned();
    let (process, tid) = match (process, thread) {
        (Some(process), _) if flags & THREAD == 0 => (process, None),
        (Some(process), _) => (process, Some(Tid(number))),
        (None, Some(thread)) if flags & THREAD != 0 => (thread.process(), Some(Tid(number))),
        // A thread that is not the first has no process of its number.
        (None, Some(_)) => return Err(EINVAL.into()),
        (None, None) => return Err(ESRCH.into()),
    };
    let file = PidFd::open(process, tid, OpenFlags::from_bits_truncate(flags) & OpenFlags::NONBLOCK);
    Ok(context.process().descriptors().add(file, true)?.0 as usize)
}

/// `pidfd_send_signal(2)`.
pub fn pidfd_send_signal(
    context: &mut Context<'_>,
    fd: Fd,
    number: SignalNumber,
    info: UserPtr<[u8; INFO_SIZE]>,
    flags: u32,
) -> Outcome {
    const TO_THREAD: u32 = 1;
    const TO_PROCESS: u32 = 2;
    const TO_GROUP: u32 = 4;
    if !matches!(flags, 0 | TO_THREAD | TO_PROCESS | TO_GROUP) {
        return Err(EINVAL.into());
    }
    let file = find(context, fd)?;
    let pidfd = file.downcast::<PidFd>().ok_or(EBADF)?;
    let target = &pidfd.process;
    let named = info.non_null().map(UserPtr::read).transpose()?;
    if named.is_some_and(|bytes| !number.is(crate::user_memory::from_bytes::<i32>(&bytes[..4]))) {
        return Err(EINVAL.into());
    }
    let signal = number.signal_or_probe()?;
    if pidfd.is_gone() {
        return Err(ESRCH.into());
    }
    let to_thread = flags == TO_THREAD || flags == 0 && pidfd.thread.is_some();
    let code = if to_thread { SI_TKILL } else { SI_USER };
    let info = match info.non_null() {
        Some(info) => queued_info(context, target, signal, info)?,
        None => signal.map(|signal| sender_info(context, signal, code)),
    };
    let group: alloc::vec::Vec<Rc<Process>> = match flags {
        TO_GROUP => {
            let processes = kernel().tasks.processes.borrow();
            processes.values().filter(|other| other.group.get() == target.pid).cloned().collect()
        }
        _ => alloc::vec![target.clone()],
    };
    if group.is_empty() {
        return Err(ESRCH.into());
    }
    let mut result = Err(EPERM);
    for process in &group {
        if let Err(errno) = check_permission(context, process, signal) {
            result = result.map_err(|_: Errno| errno);
            continue;
        }
        result = Ok(());
        let Some(info) = info else { continue };
        let tid = pidfd.thread.unwrap_or(Tid(process.pid.0));
        match kernel().thread(tid).filter(|_| to_thread) {
            Some(thread) => signal::to_thread(&thread, info, Source::Other)?,
            None => signal::to_process(process, info, Source::Other)?,
        }
    }
    result?;
    Ok(0)
}

/// `pidfd_getfd(2)`.
pub fn pidfd_getfd(context: &mut Context<'_>, fd: Fd, target: Fd, flags: u32) -> Outcome {
    if flags != 0 {
        return Err(EINVAL.into());
    }
    let file = find(context, fd)?;
    let pidfd = file.downcast::<PidFd>().ok_or(EBADF)?;
    if pidfd.is_gone() || pidfd.process.is_zombie() {
        return Err(ESRCH.into());
    }
    if !may_look_into(context, &pidfd.process) {
        return Err(EPERM.into());
    }
    let taken = pidfd.process.descriptors().get(target)?;
    Ok(context.process().descriptors().add(taken, true)?.0 as usize)
}

/// Whether the caller may look into another process as a debugger would (`ptrace(2)`, "access mode checking", with real
/// credentials).
pub fn may_look_into(context: &Context<'_>, target: &Rc<Process>) -> bool {
    let own = context.process();
    if Rc::ptr_eq(&own, target) {
        return true;
    }
    let (caller, other) = (own.credentials.borrow(), target.credentials.borrow());
    let same = other.uid[..3].iter().all(|uid| *uid == caller.uid[0])
        && other.gid[..3].iter().all(|gid| *gid == caller.gid[0])
        && other.capabilities[1] & !caller.capabilities[1] == 0;
    let dumpable = target.flags.borrow().get(&PR_SET_DUMPABLE).copied().unwrap_or(1) == 1;
    same && dumpable || caller.is_capable(CAP_SYS_PTRACE)
}

/// `process_mrelease(2)`: memory of a process that was killed goes as fast as it can anyway.
pub fn process_mrelease(context: &mut Context<'_>, fd: Fd, flags: u32) -> Outcome {
    if flags != 0 {
        return Err(EINVAL.into());
    }
    let file = find(context, fd)?;
    let pidfd = file.downcast::<PidFd>().ok_or(EBADF)?;
    if pidfd.is_gone() {
        return Err(ESRCH.into());
    }
    if pidfd.process.is_ending.get() { Ok(0) } else { Err(EINVAL.into()) }
}
