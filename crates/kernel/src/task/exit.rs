//! The end of threads and processes.

use super::{Pid, Process, Thread, futex, host_process, park};
use crate::kernel;
use crate::local::per_thread;
use crate::syscall::dispatch::Way;
use crate::wait::{Events, Wake};
use abi::control::Exit;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The calling thread ends; with the last one its process does, with the status that its first thread left.
pub fn thread_exits(thread: &Rc<Thread>) -> Way {
    futex::thread_leaves(thread);
    let process = thread.process();
    process.threads.borrow_mut().remove(&thread.tid);
    kernel().tasks.threads.borrow_mut().remove(&thread.tid);
    thread.slot.set(None);
    per_thread().tid.set(0);
    if process.threads.borrow().is_empty() {
        crate::control::exited(process.exit.get().unwrap_or(Exit::Status(0)));
    }
    super::signal::send::retarget(thread);
    process.thread_gone.wake(Events::IN);
    crate::snapshot::entry_point::check();
    Way::End
}

/// The calling thread's process ends, and with it, as it is the program, the sandbox.
pub fn process_exits(_thread: &Rc<Thread>, exit: Exit) -> Way {
    crate::control::exited(exit)
}

/// Makes all other threads of a process end, wherever they are (`execve`). They are gone when
/// [`Process::thread_gone`] has been woken and `threads` holds one.
pub fn end_others(process: &Process, stays: &Thread) {
    let others: Vec<_> = process.threads.borrow().values().filter(|thread| thread.tid != stays.tid).cloned().collect();
    for other in others {
        other.exiting.set(true);
        match other.slot.get() {
            _ if other.is_waiting() => park::wake(other.tid, Wake::Signal),
            Some(slot) => host_process::interrupt(slot),
            None => super::dormant::make_runnable(&other),
        }
    }
}

/// Whether one more thread or process fits under the sandbox's limit.
pub fn fits_limit() -> bool {
    let limit = kernel().launch.borrow().pids as usize;
    limit == 0 || kernel().tasks.threads.borrow().len() < limit
}

/// The process with this number; the number of this instance is the program's, too.
pub fn find_process(pid: Pid) -> Option<Rc<Process>> {
    let tasks = &kernel().tasks;
    let pid = if tasks.instance_pid.get() == Some(pid) { super::PROGRAM } else { pid };
    tasks.processes.borrow().get(&pid).cloned()
}
