//! The beginning of processes: `fork`, `vfork`, `clone` without `CLONE_THREAD`.
//!
//! A child with memory of its own gets a host process of its own: a clone of the calling host thread, which gives up
//! everything on the copied stack at once and runs the child's thread from data, like any new host thread. A child that
//! shares its parent's memory (`vfork`, `posix_spawn`) is a host thread of its parent's host process and gets a
//! host process when it executes a program: so what it does up to there, and that there is no such program, its
//! parent sees.

use super::host_process::{self, HostProcess};
use super::{Pid, Process, Thread, Tid, exit, share};
use crate::entry::{self, Frame};
use crate::errno::{EAGAIN, Errno};
use crate::events::pidfd::PidFd;
use crate::fs::file::{OpenFile, OpenFlags};
use crate::host;
use crate::kernel;
use crate::local::local;
use crate::syscall::arguments::Fd;
use crate::syscall::{Outcome, RestartRule, Stop};
use crate::task::thread::Saved;
use crate::user_memory::{UserAddr, UserPtr};
use crate::wait::{Events, Progress, WaitFor};
use abi::control::Exit;
use alloc::rc::Rc;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// What a child shares with its parent, and how it begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Birth {
    /// `CLONE_VM`.
    pub memory: bool,
    /// `CLONE_FS`.
    pub fs: bool,
    /// `CLONE_FILES`.
    pub files: bool,
    /// `CLONE_PARENT`: it is a sibling.
    pub sibling: bool,
    /// `CLONE_VFORK`: the parent waits until it executes a program or ends.
    pub wait: bool,
    /// `CLONE_CLEAR_SIGHAND`.
    pub default_actions: bool,
    /// The signal its parent gets at its end; 0: none.
    pub exit_signal: u8,
    /// Its stack pointer, unless null.
    pub stack: UserAddr,
    /// Its thread pointer.
    pub tls: Option<u64>,
    /// Where its number is written in the parent's memory.
    pub parent_tid: UserAddr,
    /// Where its number is written in its own.
    pub child_tid: UserAddr,
    /// What is cleared at its end.
    pub clear_child_tid: UserAddr,
    /// Where a descriptor of it is written (`CLONE_PIDFD`).
    pub pidfd: UserAddr,
}

/// Makes a child; its number. `resumed`: the parent has waited for it.
pub fn fork(thread: &Rc<Thread>, frame: &Frame, birth: Birth, resumed: Option<Progress>) -> Outcome {
    if let Some(Progress::Child(pid)) = resumed {
        return Ok(pid as usize);
    }
    if local().stopping.load(SeqCst) != 0 {
        // Another thread makes the sandbox ready for several processes, or stops it: this one is stopped first.
        return Err(Stop::Wait(WaitFor::time(Some(0), "fork"), RestartRule::IfFlagged));
    }
    if !exit::fits_limit() {
        return Err(EAGAIN.into());
    }
    share::prepare()?;
    let parent = thread.process();
    let pid = Pid(kernel().tasks.allocate().0);
    let host = if birth.memory { None } else { Some(kernel().tasks.hosts.add()) };
    let child = parent.child(pid, &birth, host.as_ref().map(|host| host.number));
    let pidfd = match birth.pidfd.is_null() {
        true => None,
        false => match add_pidfd(&parent, PidFd::open(child.clone(), None, OpenFlags::empty()), birth.pidfd) {
            Ok(fd) => Some(fd),
            Err(errno) => {
                if let Some(host) = host {
                    kernel().tasks.hosts.remove(host.number);
                }
                return Err(errno.into());
            }
        },
    };
    let first = thread.first_of(&child);
    *first.schedule.borrow_mut() = thread.schedule.borrow().of_child();
    first.set_child_tid.set(birth.child_tid);
    first.clear_child_tid.set(birth.clear_child_tid);
    *first.saved.borrow_mut() = Some(beginning(frame, &birth));
    if birth.memory && !birth.wait {
        first.signals.set_alternate_stack(super::signal::AltStack::default());
    }
    child.threads.borrow_mut().insert(first.tid, first.clone());
    kernel().tasks.threads.borrow_mut().insert(first.tid, first.clone());
    kernel().tasks.processes.borrow_mut().insert(pid, child.clone());
    if !birth.parent_tid.is_null() {
        let _ = UserPtr::<u32>::new(birth.parent_tid.0).write(pid.0);
    }
    let begun = match &host {
        None => host_process::start_host_thread(Some(first.tid)),
        Some(host) => start(host, first.tid, true),
    };
    if let Err(errno) = begun {
        if let Some(fd) = pidfd {
            let _ = parent.descriptors().remove(fd);
        }
        kernel().tasks.threads.borrow_mut().remove(&first.tid);
        kernel().tasks.processes.borrow_mut().remove(&pid);
        if let Some(host) = host {
            kernel().tasks.hosts.remove(host.number);
        }
        return Err(errno.into());
    }
    if birth.wait {
        let mut gone = WaitFor::events(&child.vfork_done, Events::IN, "vfork").progress(Progress::Child(pid.0));
        gone.killable_only = true;
        return Err(Stop::Wait(gone, RestartRule::Never));
    }
    Ok(pid.0 as usize)
}

/// Gives a process a descriptor of a child or thread, whose number is written to its memory.
///
/// # Errors
/// `EMFILE`, `EFAULT`.
pub fn add_pidfd(process: &Process, file: Rc<OpenFile>, to: UserAddr) -> Result<Fd, Errno> {
    let fd = process.descriptors().add(file, true)?;
    if let Err(errno) = UserPtr::<i32>::new(to.0).write(fd.0) {
        let _ = process.descriptors().remove(fd);
        return Err(errno);
    }
    Ok(fd)
}

/// The registers a child begins with: its parent's, with another result.
pub fn beginning(frame: &Frame, birth: &Birth) -> Saved {
    let saved = frame.save();
    let mut registers = saved.registers();
    registers.rax = 0;
    registers.syscall = -1;
    if !birth.stack.is_null() {
        registers.rsp = birth.stack.0;
    }
    if let Some(tls) = birth.tls {
        registers.fs_base = tls;
    }
    Saved::new(&registers, saved.vector)
}

/// Makes a host process that runs a guest thread; with the guest's memory as it is here, or with none.
///
/// # Errors
/// `EAGAIN`, `ENOMEM`.
pub fn start(host: &Rc<HostProcess>, tid: Tid, with_memory: bool) -> Result<(), Errno> {
    if let Some(thread) = kernel().thread(tid) {
        thread.slot.set(Some(crate::local::per_thread().slot));
        thread.host_tid.set(0);
    }
    if !with_memory {
        host::fork_guest_memory(false);
    }
    let number = host.number;
    let cloned = host::without_kicks(|| {
        let cloned = host::clone_host_process();
        if cloned == Ok(0) {
            entry::threads::begin_host_process(number, tid.0);
        }
        cloned
    });
    match cloned {
        Ok(pid) => host.pid.set(pid),
        Err(_) => drop(kernel().thread(tid).map(|thread| thread.slot.set(None))),
    }
    if !with_memory {
        host::fork_guest_memory(true);
    }
    cloned.map(drop)
}

/// What a guest thread does first on its first host thread: in its own memory, before anything of the program runs.
pub fn first_steps(thread: &Rc<Thread>) {
    super::awaken::first_steps(thread);
    let process = thread.process();
    let written = thread.set_child_tid.take();
    let alone = process.space().host.get() == local().host.load(Relaxed) && process.is_fresh.take();
    // Memory that can't be had is seen by the child when it touches it.
    if alone {
        let _ = process.space().begin_copy();
    }
    if !written.is_null() {
        let _ = UserPtr::<u32>::new(written.0).write(thread.tid.0);
    }
    let Some(prepared) = thread.exec.take() else { return };
    let registers = prepared.start(&process).unwrap_or_else(|_| {
        exit::begin_group_exit(&process, Exit::Signal(super::signal::Signal::KILL.0));
        abi::image::Registers::default()
    });
    *thread.saved.borrow_mut() = Some(Saved::new(&registers, alloc::vec::Vec::new()));
}
