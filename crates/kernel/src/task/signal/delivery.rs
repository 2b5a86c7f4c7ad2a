//! What a thread does about its signals before it goes back to user code.

use super::actions::{self, Action, ActionFlags, ByDefault, DEFAULT, by_default};
use super::{Signal, frame as signal_frame, pending, send};
use crate::entry::Frame;
use crate::errno::{EINTR, Errno};
use crate::syscall::RestartRule;
use crate::task::Thread;
use crate::wait::WaitFor;
use abi::control::Exit;
use alloc::rc::Rc;

/// Bytes of the `syscall` instruction.
const SYSCALL_LEN: u64 = 2;

/// Whether a signal is pending that ends a wait: not blocked, and handled or deadly; or the thread has to end.
pub fn is_deliverable(thread: &Thread) -> bool {
    thread.exiting.get() || next(thread).is_some()
}

/// The next signal to deliver that does something.
fn next(thread: &Thread) -> Option<Signal> {
    let mut set = pending(thread) & !thread.signals.mask();
    while let Some(signal) = Signal::first_of(set) {
        if !does_nothing(thread, signal) {
            return Some(signal);
        }
        set &= !signal.bit();
    }
    None
}

/// Whether the signal is ignored, or would stop a process that can't be stopped.
fn does_nothing(thread: &Thread, signal: Signal) -> bool {
    let action = super::action(thread, signal);
    action.ignores(signal) || stops(signal, &action) && !send::can_stop(&thread.process(), signal)
}

/// Whether the signal would stop the process.
fn stops(signal: Signal, action: &Action) -> bool {
    action.handler == DEFAULT && by_default(signal) == ByDefault::Stop
}

/// Whether a thread has to end, or a signal that it does not block ends its process.
pub fn is_to_die(thread: &Thread) -> bool {
    let mut set = pending(thread) & !thread.signals.mask();
    let mut deadly = thread.exiting.get();
    while let Some(signal) = Signal::first_of(set) {
        let by_default = super::action(thread, signal).handler == DEFAULT;
        deadly |= by_default && actions::by_default(signal) == ByDefault::Terminate;
        set &= !signal.bit();
    }
    // A stopped process looks at nothing before it goes on.
    deadly && (thread.exiting.get() || thread.process().stopped.get().is_none())
}

/// Whether a wait is really at an end: as [`will_handle`], and some waits only a deadly signal ends.
pub fn ends_wait(thread: &Rc<Thread>, wait: &WaitFor) -> bool {
    if wait.killable_only {
        return is_to_die(thread);
    }
    will_handle(thread)
}

/// Whether the interrupted wait is really at an end: a signal will run a handler or end the process. Such as
/// do nothing are taken away.
pub fn will_handle(thread: &Rc<Thread>) -> bool {
    if thread.exiting.get() {
        return true;
    }
    discard_idle(thread);
    next(thread).is_some()
}

/// Takes away pending signals that do nothing.
fn discard_idle(thread: &Rc<Thread>) {
    let mut set = pending(thread) & !thread.signals.mask();
    let mut idle = 0;
    while let Some(signal) = Signal::first_of(set) {
        if does_nothing(thread, signal) {
            idle |= signal.bit();
        }
        set &= !signal.bit();
    }
    while idle != 0 && super::dequeue(thread, idle & pending(thread)).is_some() {}
}

/// The end of a call without a signal that interrupts it: the mask it had set for itself ends.
pub fn finish_mask(thread: &Thread) {
    thread.signals.restore_mask();
}

/// On the way out to user code: delivers what is pending. `interrupted` tells of a call that a signal
/// ended before it did anything: its number is in `frame.registers.syscall`, and depending on the rule
/// and the handler's `SA_RESTART` it is run again (`rip -= 2`, `rax` = number) or answers `EINTR`.
///
/// A frame that came by the fast entry has its `rip` behind a patched `mov $nr,%eax; syscall` whose last
/// two bytes still are a `syscall`: running those again is right there, too.
pub fn deliver(thread: &Rc<Thread>, frame: &mut Frame, mut interrupted: Option<RestartRule>) {
    if pending(thread) & !thread.signals.mask() != 0 {
        discard_idle(thread);
    }
    while let Some(signal) = next(thread) {
        let Some(info) = super::dequeue(thread, signal.bit()) else { break };
        let actions = &thread.process().signals.actions;
        let action = actions.get(signal);
        crate::syscall::strace::signal(thread, &info);
        if stops(signal, &action) {
            send::stop(&thread.process(), signal);
            continue;
        }
        if !action.is_handler() {
            super::death::report(thread, frame, &info);
            crate::task::exit::begin_group_exit(&thread.process(), Exit::Signal(signal.0));
            return;
        }
        if let Some(rule) = interrupted.take() {
            let flagged = rule == RestartRule::IfFlagged && action.flags.contains(ActionFlags::RESTART);
            if flagged || rule == RestartRule::Always {
                run_again(frame);
            } else {
                frame.registers.rax = EINTR.as_return();
            }
        }
        frame.registers.syscall = -1;
        if action.flags.contains(ActionFlags::RESETHAND) {
            actions.set(signal, Action { handler: DEFAULT, ..action });
        }
        if signal_frame::push(thread, frame, &action, &info).is_err() {
            broken_stack(thread, signal);
            continue;
        }
        let own = if action.flags.contains(ActionFlags::NODEFER) { 0 } else { signal.bit() };
        thread.signals.set_mask(thread.signals.mask() | action.mask | own);
    }
    if interrupted.is_some() {
        run_again(frame);
    }
    thread.signals.restore_mask();
    if thread.signals.mask() & thread.process().signals.pending.set() != 0 {
        send::retarget(thread);
    }
}

fn run_again(frame: &mut Frame) {
    frame.registers.rip = frame.registers.rip.wrapping_sub(SYSCALL_LEN);
    frame.registers.rax = frame.registers.syscall as u64;
}

/// The frame of a handler could not be written.
fn broken_stack(thread: &Rc<Thread>, signal: Signal) {
    if signal == Signal::SEGV {
        let actions = &thread.process().signals.actions;
        let action = actions.get(signal);
        actions.set(signal, Action { handler: DEFAULT, ..action });
    }
    send::force_from_kernel(thread, Signal::SEGV);
}

/// `rt_sigreturn(2)`; a frame that is not one is answered with `SIGSEGV`.
pub fn sigreturn(thread: &Rc<Thread>, frame: &mut Frame) {
    let result: Result<(), Errno> = signal_frame::pop(thread, frame);
    if result.is_err() {
        send::force_from_kernel(thread, Signal::SEGV);
    }
}
