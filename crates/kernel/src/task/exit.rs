//! The end of threads and processes.
//!
//! A process ends thread by thread: who ends it marks all others, and each leaves on its own host thread, so that
//! nothing of it stays behind on a stack. The last one gives back what the process had, leaves a zombie for the
//! parent, and ends the host process, unless another guest process lives in the same memory.

use super::wait::{self, PARENT_OF_ORPHANS};
use super::{PROGRAM, Pid, Process, Thread, futex, host_process, park};
use crate::kernel;
use crate::local::per_thread;
use crate::syscall::dispatch::Way;
use crate::task::capability::{CAP_SYS_ADMIN, CAP_SYS_RESOURCE};
use crate::wait::{Events, Wake};
use abi::control::Exit;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// `PR_SET_PDEATHSIG`.
pub const PR_SET_PDEATHSIG: u32 = 1;
/// `PR_SET_CHILD_SUBREAPER`.
pub const PR_SET_CHILD_SUBREAPER: u32 = 36;

/// The calling thread ends; with the last one its process does, with the status that its first thread left.
pub fn thread_exits(thread: &Rc<Thread>) -> Way {
    futex::thread_leaves(thread);
    let process = thread.process();
    process.threads.borrow_mut().remove(&thread.tid);
    kernel().tasks.threads.borrow_mut().remove(&thread.tid);
    process.cpu_ns.set(process.cpu_ns.get() + crate::time::clock::thread_cpu_ns(thread));
    thread.slot.set(None);
    per_thread().tid.set(0);
    if process.threads.borrow().is_empty() {
        return process_ended(&process);
    }
    super::signal::send::retarget(thread);
    process.thread_gone.wake(Events::IN);
    process.ended.wake(Events::IN | Events::RDNORM);
    crate::snapshot::entry_point::check();
    Way::End
}

/// The calling thread's process ends.
pub fn process_exits(thread: &Rc<Thread>, exit: Exit) -> Way {
    let process = thread.process();
    begin_group_exit(&process, exit);
    thread_exits(thread)
}

/// A process is to end: all its threads leave. With the program the sandbox ends.
pub fn begin_group_exit(process: &Rc<Process>, exit: Exit) {
    if process.pid == PROGRAM {
        crate::control::exited(exit);
    }
    if process.is_ending.replace(true) {
        return;
    }
    process.exit.set(Some(exit));
    process.stopped.set(None);
    let own = per_thread().tid.get();
    let threads: Vec<_> = process.threads.borrow().values().cloned().collect();
    for thread in threads {
        thread.exiting.set(true);
        if thread.tid.0 != own {
            prod(&thread);
        }
    }
}

/// Makes a thread look at what it has to do, wherever it is.
pub fn prod(thread: &Rc<Thread>) {
    if thread.is_waiting() {
        park::wake(thread.tid, Wake::Signal);
    } else if thread.slot.get().is_some() {
        host_process::interrupt_thread(thread);
    } else {
        super::dormant::make_runnable(thread);
    }
}

/// The last thread of a process is gone.
fn process_ended(process: &Rc<Process>) -> Way {
    let exit = process.exit.get().unwrap_or(Exit::Status(0));
    if process.pid == PROGRAM {
        crate::control::exited(exit);
    }
    process.exit.set(Some(exit));
    crate::syscall::strace::process_ended(process.pid, exit);
    let lives_on = process.shares_memory();
    // The last references to files run code of the file system: no borrow is held.
    let files = process.descriptors.replace(Rc::default());
    if Rc::strong_count(&files) == 1 {
        files.all().iter().for_each(|(_, entry)| crate::ipc::mqueue::closed(&entry.file, process));
    }
    drop(files);
    crate::fs::locks::process_ended(process.pid);
    crate::ipc::sysv::semaphores::process_ends(process.pid);
    crate::tty::process_ends(process);
    drop(process.fs.replace(Rc::default()));
    process.timers.clear();
    if !lives_on {
        crate::ipc::sysv::memory::note_detached(&process.space().regions(), process.pid);
    }
    process.set_space(Rc::default());
    process.signals.pending.discard(u64::MAX);
    process.vfork_done.wake(Events::IN);
    wait::give_children_away(process);
    wait::tell_parent_of_end(process);
    process.ended.wake(Events::IN | Events::RDNORM);
    if lives_on { Way::End } else { Way::EndProcess }
}

/// Makes all other threads of a process end, wherever they are (`execve`). They are gone when
/// [`Process::thread_gone`] has been woken and `threads` holds one.
pub fn end_others(process: &Process, stays: &Thread) {
    let others: Vec<_> = process.threads.borrow().values().filter(|thread| thread.tid != stays.tid).cloned().collect();
    for other in others {
        other.exiting.set(true);
        prod(&other);
    }
}

/// Whether one more thread or process fits under the sandbox's limit. What is left of a process counts until its
/// parent has asked for it.
pub fn fits_limit() -> bool {
    let limit = kernel().launch.borrow().pids as usize;
    let tasks = &kernel().tasks;
    let zombies = tasks.processes.borrow().values().filter(|process| process.is_zombie()).count();
    limit == 0 || tasks.threads.borrow().len() + zombies < limit
}

/// Whether `RLIMIT_NPROC` lets a process make one more thread or process: all of its real user count.
pub fn fits_user_limit(process: &Process) -> bool {
    const LIMIT_PROCESSES: usize = 6;
    let limit = process.limits.borrow()[LIMIT_PROCESSES].0;
    let credentials = process.credentials.borrow();
    let uid = credentials.uid[0];
    if limit == super::process::UNLIMITED
        || uid == 0
        || credentials.is_capable(CAP_SYS_RESOURCE)
        || credentials.is_capable(CAP_SYS_ADMIN)
    {
        return true;
    }
    let of_user = |other: &&Rc<Process>| other.credentials.borrow().uid[0] == uid;
    let processes = kernel().tasks.processes.borrow();
    let count: usize = processes.values().filter(of_user).map(|other| other.threads.borrow().len().max(1)).sum();
    (count as u64) < limit
}

/// The process with this number, its first or its second.
pub fn find_process(pid: Pid) -> Option<Rc<Process>> {
    let tasks = &kernel().tasks;
    let pid = Pid(tasks.meant(pid.0));
    tasks.processes.borrow().get(&pid).cloned()
}

/// Who adopts the children of a process: its nearest ancestor that wants to, else process 1.
pub fn adopter(process: &Process) -> Pid {
    let mut at = process.parent.get();
    while let Some(ancestor) = find_process(at).filter(|ancestor| !ancestor.is_zombie()) {
        if ancestor.flags.borrow().get(&PR_SET_CHILD_SUBREAPER).is_some_and(|value| *value != 0) {
            return ancestor.pid;
        }
        at = ancestor.parent.get();
    }
    PARENT_OF_ORPHANS
}
