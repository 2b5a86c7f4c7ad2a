//! `execve(2)`: a running process goes on with another program.

use super::arguments::{AT_FDCWD, Fd, UserPath};
use super::prctl::PR_SET_DUMPABLE;
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{E2BIG, EFAULT, EINVAL, ENAMETOOLONG, ENOENT, Errno};
use crate::kernel;
use crate::local::{local, per_thread};
use crate::mm::AddressSpace;
use crate::task::exec::{self, MAX_STRING, MAX_STRINGS, Prepared};
use crate::task::signal::Signal;
use crate::task::thread::Saved;
use crate::task::{Process, Thread, Tid, exit, fork, futex, share};
use crate::user_memory::{UserAddr, UserPtr, read_string};
use crate::wait::{Events, WaitFor};
use abi::control::Exit;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::SeqCst;

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
    let prepared = exec::prepare(&process, path, || Ok([strings(arguments)?, strings(environment)?]))?;
    if process.threads.borrow().len() > 1 {
        exit::end_others(&process, context.thread);
        let gone = WaitFor::events(&process.thread_gone, Events::IN, "execve");
        return Err(Stop::Wait(gone, RestartRule::IfFlagged));
    }
    if process.shares_memory() {
        if local().stopping.load(SeqCst) != 0 {
            // Another thread makes the sandbox ready for several processes, or stops it: this one is stopped first.
            return Err(Stop::Wait(WaitFor::time(Some(0), "execve"), RestartRule::IfFlagged));
        }
        // After a boot from an image that is not done yet.
        share::prepare()?;
    }
    futex::thread_leaves(context.thread);
    let thread = become_first(context.thread);
    thread.robust_list.set(UserAddr(0));
    thread.signals.set_alternate_stack(crate::task::signal::AltStack::default());
    process.signals.actions.reset_handlers();
    process.timers.forget_posix();
    let table = process.descriptors();
    let shares = |other: &Rc<Process>| !Rc::ptr_eq(other, &process) && Rc::ptr_eq(&other.descriptors(), &table);
    if kernel().tasks.processes.borrow().values().any(shares) {
        *process.descriptors.borrow_mut() = table.copy();
    }
    drop(table);
    let descriptors = process.descriptors();
    for (fd, descriptor) in descriptors.all() {
        if descriptor.close_on_exec {
            let _ = descriptors.remove(fd).map(|entry| super::descriptors::closed_by(&process, &entry));
        }
    }
    process.has_executed.set(true);
    let own = {
        let mut own = process.credentials.borrow_mut();
        own.after_execution(prepared.identities());
        own.uid[0] == own.uid[1] && own.gid[0] == own.gid[1]
    };
    process.flags.borrow_mut().insert(PR_SET_DUMPABLE, u64::from(own));
    process.exit_signal.set(if process.exit_signal.get() == 0 { 0 } else { Signal::CHLD.0 });
    process.flags.borrow_mut().remove(&exit::PR_SET_PDEATHSIG);
    if process.shares_memory() {
        return in_a_process_of_its_own(&thread, prepared);
    }
    process.vfork_done.wake(Events::IN);
    let started = process.space().clear().and_then(|()| prepared.start(&process));
    let Ok(registers) = started else {
        // The old program is gone and the new one can't run: Linux kills the process, too.
        return Err(Stop::ProcessExit(Exit::Signal(Signal::KILL.0)));
    };
    if !Rc::ptr_eq(&thread, context.thread) {
        *thread.saved.borrow_mut() = Some(Saved::new(&registers, Vec::new()));
        return Err(Stop::Replaced);
    }
    crate::entry::set_fs_base(0);
    context.frame.set_vector(&[]);
    context.frame.registers = registers;
    Err(Stop::RegistersSet)
}

/// The one thread that is left has the number of the process from now on. Answers it as it goes on: another object
/// when its number changes, which the calling host thread runs next.
fn become_first(thread: &Rc<Thread>) -> Rc<Thread> {
    let process = thread.process();
    let first = Tid(process.pid.0);
    if thread.tid == first {
        return thread.clone();
    }
    let new = thread.sibling(first);
    new.cpu_time_before_ns.set(crate::time::clock::thread_cpu_ns(thread));
    thread.signals.pending.move_to(&new.signals.pending);
    new.slot.set(thread.slot.take());
    new.host_tid.set(thread.host_tid.take());
    process.exit.set(None);
    process.threads.borrow_mut().remove(&thread.tid);
    process.threads.borrow_mut().insert(first, new.clone());
    let mut threads = kernel().tasks.threads.borrow_mut();
    threads.remove(&thread.tid);
    threads.insert(first, new.clone());
    per_thread().tid.set(first.0);
    new
}

/// Goes on with the program in a new host process; the memory here stays its parent's.
fn in_a_process_of_its_own(thread: &Rc<Thread>, prepared: Prepared) -> Outcome {
    let process = thread.process();
    let host = kernel().tasks.hosts.add();
    let space = AddressSpace::default();
    space.host.set(host.number);
    let old = process.space();
    process.set_space(Rc::new(space));
    *thread.exec.borrow_mut() = Some(Box::new(prepared));
    if fork::start(&host, thread.tid, false).is_err() {
        // The old program can't go on: its memory, and what it held, are given up.
        kernel().tasks.hosts.remove(host.number);
        drop(thread.exec.take());
        process.set_space(old);
        return Err(Stop::ProcessExit(Exit::Signal(Signal::KILL.0)));
    }
    per_thread().tid.set(0);
    process.vfork_done.wake(Events::IN);
    Err(Stop::Replaced)
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
