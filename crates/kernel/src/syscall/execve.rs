//! `execve(2)`: a running process goes on with another program.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{E2BIG, EFAULT, EINVAL, ENAMETOOLONG, ENOENT, Errno};
use crate::task::exec::{self, MAX_STRING, MAX_STRINGS};
use crate::task::{exit, futex};
use crate::user_memory::{UserAddr, UserPtr, read_string};
use crate::wait::{Events, WaitFor};
use abi::control::Exit;
use alloc::format;
use alloc::vec::Vec;

/// `execve(2)`.
pub fn execve(context: &mut Context<'_>, path: UserPath, arguments: UserAddr, environment: UserAddr) -> Outcome {
    let path = path.read()?;
    replace(context, &path, arguments, environment)
}

/// `execveat(2)`.
pub fn execveat(
    context: &mut Context<'_>,
    directory: Fd,
    path: UserPath,
    arguments: UserAddr,
    environment: UserAddr,
    flags: u32,
) -> Outcome {
    const EMPTY_PATH: u32 = 0x1000;
    if flags & !EMPTY_PATH != 0 {
        return Err(EINVAL.into());
    }
    let path = path.read()?;
    let path = if path.is_empty() && flags & EMPTY_PATH != 0 {
        format!("/proc/self/fd/{}", directory.0).into_bytes()
    } else if path.is_empty() || path.starts_with(b"/") || directory == AT_FDCWD {
        path
    } else {
        [format!("/proc/self/fd/{}/", directory.0).as_bytes(), &path].concat()
    };
    replace(context, &path, arguments, environment)
}

/// Everything that can fail happens before the other threads end, and all of the old program goes after that.
fn replace(context: &mut Context<'_>, path: &[u8], arguments: UserAddr, environment: UserAddr) -> Outcome {
    if path.is_empty() {
        return Err(ENOENT.into());
    }
    let process = context.process();
    let prepared = exec::prepare(&process, path, &strings(arguments)?, &strings(environment)?)?;
    if process.threads.borrow().len() > 1 {
        exit::end_others(&process, context.thread);
        let gone = WaitFor::events(&process.thread_gone, Events::IN, "execve");
        return Err(Stop::Wait(gone, RestartRule::IfFlagged));
    }
    futex::thread_leaves(context.thread);
    context.thread.robust_list.set(UserAddr(0));
    context.thread.signals.set_alternate_stack(crate::task::signal::AltStack::default());
    process.signals.actions.reset_handlers();
    process.timers.forget_posix();
    let descriptors = process.descriptors();
    for (fd, descriptor) in descriptors.all() {
        if descriptor.close_on_exec {
            let _ = descriptors.remove(fd);
        }
    }
    let started = process.space().clear().and_then(|()| prepared.start(&process));
    let Ok(registers) = started else {
        // The old program is gone and the new one can't run: Linux kills the process, too.
        const SIGKILL: u8 = 9;
        return Err(Stop::ProcessExit(Exit::Signal(SIGKILL)));
    };
    crate::entry::set_fs_base(0);
    context.frame.set_vector(&[]);
    context.frame.registers = registers;
    Err(Stop::RegistersSet)
}

/// The strings of a zero-terminated array of pointers; none when there is no array.
fn strings(array: UserAddr) -> Result<Vec<Vec<u8>>, Errno> {
    let mut strings = Vec::new();
    if array.is_null() {
        return Ok(strings);
    }
    let pointers = UserPtr::<u64>::new(array.0);
    let mut total = 0;
    loop {
        let pointer = pointers.at(strings.len()).read()?;
        if pointer == 0 {
            return Ok(strings);
        }
        let string = read_string(UserAddr(pointer), MAX_STRING).map_err(|errno| match errno {
            ENAMETOOLONG => E2BIG,
            _ => EFAULT,
        })?;
        total += string.len() as u64 + 9;
        if total > MAX_STRINGS {
            return Err(E2BIG);
        }
        strings.push(string);
    }
}
