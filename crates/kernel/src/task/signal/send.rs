//! The way of a signal to a thread: whether it matters, where it waits, who is woken for it.

use super::actions::{Action, DEFAULT, IGNORE};
use super::queue::{Info, SI_KERNEL, SI_USER};
use super::{Signal, is_deliverable};
use crate::entry::{Fault, Frame};
use crate::errno::{EAGAIN, Errno};
use crate::kernel;
use crate::task::wait::Event;
use crate::task::{PROGRAM, Process, Thread, exit, host_process, park};
use crate::wait::{Events, Wake};
use abi::control::Exit;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Who sends a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A call that can fail when the queue is full (`sigqueue`).
    Queue,
    /// Anything else: without room in the queue it is known by its bit only.
    Other,
}

/// `RLIMIT_SIGPENDING`.
const LIMIT_PENDING: usize = 11;

/// Sends a signal to a process: to a thread of it that does not block it.
///
/// # Errors
/// `EAGAIN` when the queue is full and the source can fail.
pub fn to_process(process: &Rc<Process>, info: Info, source: Source) -> Result<(), Errno> {
    let signal = info.signal();
    if process.is_zombie() {
        return Ok(());
    }
    if signal == Signal::KILL {
        // Nothing stands in its way: not even that the process is stopped.
        exit::begin_group_exit(process, Exit::Signal(signal.0));
        return Ok(());
    }
    stop_or_continue(process, signal);
    let threads: Vec<_> = process.threads.borrow().values().cloned().collect();
    // The first thread is preferred, as in Linux.
    let chosen = threads.iter().find(|thread| !thread.exiting.get() && thread.signals.mask() & signal.bit() == 0);
    if chosen.is_some() && process.signals.actions.get(signal).ignores(signal) {
        return Ok(());
    }
    let pending = &process.signals.pending;
    if !signal.is_real_time() && pending.set() & signal.bit() != 0 {
        return Ok(());
    }
    pending.push(info, room(process, signal, source)?);
    process.signals.arrived.wake(Events::IN);
    if let Some(thread) = chosen {
        notify(thread);
    }
    Ok(())
}

/// Sends a signal to one thread.
///
/// # Errors
/// `EAGAIN` when the queue is full and the source can fail.
pub fn to_thread(thread: &Rc<Thread>, info: Info, source: Source) -> Result<(), Errno> {
    let signal = info.signal();
    let process = thread.process();
    if signal == Signal::KILL {
        exit::begin_group_exit(&process, Exit::Signal(signal.0));
        return Ok(());
    }
    stop_or_continue(&process, signal);
    let blocked = thread.signals.mask() & signal.bit() != 0;
    if !blocked && process.signals.actions.get(signal).ignores(signal) {
        return Ok(());
    }
    let pending = &thread.signals.pending;
    if !signal.is_real_time() && pending.set() & signal.bit() != 0 {
        return Ok(());
    }
    pending.push(info, room(&process, signal, source)?);
    process.signals.arrived.wake(Events::IN);
    if !blocked {
        notify(thread);
    }
    Ok(())
}

/// Whether there is room for an entry; counts it.
fn room(process: &Process, signal: Signal, source: Source) -> Result<bool, Errno> {
    let queued = process.signals.queued.get();
    // One that Linux always queues: each standard signal once.
    let limit = process.limits.borrow()[LIMIT_PENDING].0;
    if signal.is_real_time() && u64::from(queued) >= limit {
        return if source == Source::Queue { Err(EAGAIN) } else { Ok(false) };
    }
    process.signals.queued.set(queued + 1);
    Ok(true)
}

/// A stop signal takes back a pending continuation, and the other way round.
fn stop_or_continue(process: &Rc<Process>, signal: Signal) {
    if signal == Signal::CONT {
        go_on(process);
    }
    let taken_back = match signal {
        Signal::CONT => Signal::STOPPING,
        _ if signal.bit() & Signal::STOPPING != 0 => Signal::CONT.bit(),
        _ => return,
    };
    discard(process, taken_back);
}

/// Drops pending signals of a process and all its threads (they are ignored from now on, or taken back).
pub fn discard(process: &Process, set: u64) {
    let mut dropped = process.signals.pending.discard(set);
    for thread in process.threads.borrow().values() {
        dropped += thread.signals.pending.discard(set);
    }
    process.signals.queued.set(process.signals.queued.get().saturating_sub(dropped));
}

/// A thread has something to look at: ends its wait, or interrupts it.
pub fn notify(thread: &Rc<Thread>) {
    if !is_deliverable(thread) {
        return;
    }
    if thread.is_waiting() {
        let killable_only = thread.waiting.borrow().as_ref().is_some_and(|wait| wait.killable_only);
        if !killable_only || super::delivery::is_to_die(thread) {
            park::wake(thread.tid, Wake::Signal);
        }
    } else {
        host_process::interrupt_thread(thread);
    }
}

/// Whether a signal may stop a process: somebody else has to be there who can continue it, and an orphaned process
/// group has nobody who would see that it stopped by its terminal.
pub fn can_stop(process: &Process, signal: Signal) -> bool {
    let alone = kernel().tasks.processes.borrow().values().filter(|other| !other.is_zombie()).count() < 2;
    let is_orphaned = || crate::task::wait::is_orphaned(process.group.get(), process.session.get());
    !alone && (signal == Signal::STOP || !is_orphaned())
}

/// Stops a process: its threads rest at their next way out of the kernel.
pub fn stop(process: &Rc<Process>, signal: Signal) {
    if process.stopped.replace(Some(signal)).is_some() {
        return;
    }
    let threads: Vec<_> = process.threads.borrow().values().cloned().collect();
    for thread in threads.iter().filter(|thread| !thread.is_waiting()) {
        host_process::interrupt_thread(thread);
    }
    crate::task::wait::tell_parent_of_change(process, Event::Stopped(signal));
}

/// A stopped process goes on, when it is to.
fn go_on(process: &Rc<Process>) {
    if process.stopped.take().is_some() {
        process.goes_on.wake(Events::IN);
        crate::task::wait::tell_parent_of_change(process, Event::Continued);
    }
}

/// A thread blocks more than before, or ends: what is pending for its process is now for another one.
pub fn retarget(thread: &Thread) {
    let process = thread.process();
    if process.signals.pending.set() == 0 {
        return;
    }
    let others: Vec<_> = process.threads.borrow().values().filter(|other| other.tid != thread.tid).cloned().collect();
    for other in &others {
        notify(other);
    }
}

/// A fault of user code: becomes `SIGSEGV`, `SIGBUS`, `SIGILL`, `SIGFPE` or `SIGTRAP` with its `siginfo`.
pub fn fault(thread: &Rc<Thread>, _frame: &mut Frame, fault: Fault) {
    thread.signals.set_last_fault([fault.trap, fault.error, fault.address]);
    let signal = Signal(fault.signal);
    force(thread, Info::from_fault(signal, fault.code, fault.address));
}

/// Sends a signal that can't be blocked or ignored: then it is deadly.
pub fn force(thread: &Rc<Thread>, info: Info) {
    let signal = info.signal();
    let actions = &thread.process().signals.actions;
    let action = actions.get(signal);
    let blocked = thread.signals.mask() & signal.bit() != 0;
    if blocked || action.handler == IGNORE {
        actions.set(signal, Action { handler: DEFAULT, ..action });
        thread.signals.set_mask(thread.signals.mask() & !signal.bit());
    }
    thread.signals.pending.discard(signal.bit());
    thread.signals.pending.push(info, true);
    let queued = &thread.process().signals.queued;
    queued.set(queued.get() + 1);
}

/// Forces a signal of the kernel's own on a thread (`SIGSEGV` for a frame that can't be written).
pub fn force_from_kernel(thread: &Rc<Thread>, signal: Signal) {
    force(thread, Info::new(signal, SI_KERNEL));
}

/// A signal from outside the sandbox, for the program.
pub fn from_outside(signal: u8) {
    let Ok(signal) = Signal::new(i32::from(signal)) else { return };
    let program = kernel().tasks.processes.borrow().get(&PROGRAM).cloned();
    if let Some(program) = program {
        // Nothing to report to: without room it is known by its bit.
        let _ = to_process(&program, Info::new(signal, SI_USER), Source::Other);
    }
}
