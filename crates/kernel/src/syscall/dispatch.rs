//! The way of a system call through the kernel: from the registers to the handler, through its waits, and back.

use super::counts::{self, Entry};
use super::{Context, Outcome, RestartRule, Stop, absent, strace, table};
use crate::boot::crowd;
use crate::entry::{self, Frame};
use crate::errno::{EINTR, ENOSYS, Errno};
use crate::local::{local, per_thread};
use crate::mm::patch;
use crate::snapshot::{entry_point, freeze};
use crate::task::park::{self, Unparked};
use crate::task::seccomp::{self, Verdict};
use crate::task::signal::queue::Info;
use crate::task::{Thread, poller, signal};
use crate::wait::{Events, Progress, WaitFor, Wake};
use crate::{kernel, lock};
use abi::control::Exit;
use alloc::rc::Rc;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Where a thread goes when the kernel is done with it.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Out to user code.
    Out,
    /// Its host thread ends: the guest thread is at an end, or has become data.
    End,
    /// Its host process ends: the guest process has ended.
    EndProcess,
    /// Its host thread runs the guest thread that it is for now, from data.
    Again,
}

/// A system call that trapped: as [`system_call`], and its site may be patched.
pub fn trapped_call(frame: &mut Frame) {
    lock::acquire();
    let thread = current();
    patch::trapped(&thread.process().space(), &frame.registers);
    call_locked(thread, frame, Entry::Trap);
}

/// A system call of the running thread. Called by the entry code without the lock; when it returns the frame
/// holds what user code goes on with.
pub fn system_call(frame: &mut Frame) {
    lock::acquire();
    call_locked(current(), frame, Entry::Fast);
}

/// Always inlined: as a tail call it would take the way in out of every backtrace.
#[inline(always)]
fn call_locked(thread: Rc<Thread>, frame: &mut Frame, entry: Entry) {
    crowd::give_way_if_due();
    counts::entered(frame.registers.syscall, entry);
    kernel().syscalls.set(kernel().syscalls.get() + 1);
    let way = run(&thread, frame, None);
    go(thread, way);
}

/// Releases the lock on the way out, or ends the host thread.
fn go(thread: Rc<Thread>, way: Way) {
    drop(thread);
    match way {
        Way::Out => lock::release(),
        Way::End => entry::end_host_thread(),
        Way::EndProcess => entry::threads::end_host_process(),
        Way::Again => entry::threads::run_anew(),
    }
}

/// A host signal interrupted user code, or the frame's thread begins.
pub fn interrupted(frame: &mut Frame) {
    lock::acquire();
    let thread = current();
    patch::leave_stub(&thread.process().space(), &mut frame.registers);
    let way = leave(&thread, frame, None);
    go(thread, way);
}

/// A fault of user code.
pub fn faulted(frame: &mut Frame, mut fault: entry::Fault) {
    lock::acquire();
    let thread = current();
    let space = thread.process().space();
    const SIGTRAP: u8 = 5;
    let passing = fault.signal == SIGTRAP && patch::met_breakpoint(&space, &mut frame.registers);
    if !passing && !space.handle_fault(&mut fault) {
        patch::leave_stub(&space, &mut frame.registers);
        signal::fault(&thread, frame, fault);
    }
    let way = leave(&thread, frame, None);
    go(thread, way);
}

/// The guest thread that the calling host thread runs. To be asked for in calls only: files are let go of, and sets are
/// looked at, when there is none ([`caller`]).
pub fn current() -> Rc<Thread> {
    match caller() {
        Some(thread) => thread,
        None => crate::control::fatal("a host thread without guest thread entered the kernel"),
    }
}

/// The guest thread that the calling host thread runs, if it does.
pub fn caller() -> Option<Rc<Thread>> {
    kernel().thread(crate::task::Tid(per_thread().tid.get()))
}

/// Goes on with a thread whose state comes from data: continues its call, or returns it to user code.
pub fn go_on(thread: &Rc<Thread>, frame: &mut Frame) -> Way {
    if thread.waiting.borrow().is_some() {
        match park::park(thread) {
            Unparked::Woken(wake) => continue_call(thread, frame, wake),
            Unparked::Stop => stop(thread, frame),
            Unparked::Freeze => freeze::freeze_waiting(thread, frame),
        }
    } else if let Some(resumed) = thread.resumed.take() {
        run(thread, frame, Some(resumed))
    } else {
        leave(thread, frame, None)
    }
}

/// Goes on with a call whose wait has ended.
fn continue_call(thread: &Rc<Thread>, frame: &mut Frame, wake: Wake) -> Way {
    let Some(wait) = park::end_wait(thread) else { return leave(thread, frame, None) };
    let mut waited = wait_ended(thread, frame, wait, wake);
    loop {
        waited = match waited {
            Waited::Resume(progress, wake) => return run(thread, frame, Some((progress, wake))),
            Waited::Again(wait) => wait_for(thread, frame, wait),
            Waited::Left(way) => return way,
        }
    }
}

/// What follows a wait.
enum Waited {
    /// The call goes on.
    Resume(Progress, Wake),
    /// It waits on.
    Again(WaitFor),
    /// The thread has left.
    Left(Way),
}

/// Runs the handler until the call is finished or the thread stops, then leaves.
fn run(thread: &Rc<Thread>, frame: &mut Frame, mut resumed: Option<(Progress, Wake)>) -> Way {
    if freeze_is_due(resumed.is_some()) {
        freeze::freeze_at_call(thread, frame);
    }
    loop {
        let outcome = call(thread, frame, resumed.take());
        match outcome {
            Ok(value) => return finish(thread, frame, value as u64, None),
            Err(Stop::Errno(errno)) => return finish(thread, frame, errno.as_return(), None),
            Err(Stop::RegistersSet) => return leave(thread, frame, None),
            Err(Stop::Replaced) => return if per_thread().tid.get() == 0 { Way::End } else { Way::Again },
            Err(Stop::ThreadExit) => return crate::task::exit::thread_exits(thread),
            Err(Stop::ProcessExit(exit)) => return crate::task::exit::process_exits(thread, exit),
            Err(Stop::Wait(wait, rule)) => {
                let mut waited = Waited::Again(WaitFor { rule, ..wait });
                resumed = loop {
                    waited = match waited {
                        Waited::Resume(progress, wake) => break Some((progress, wake)),
                        Waited::Again(wait) => wait_for(thread, frame, wait),
                        Waited::Left(way) => return way,
                    }
                };
            }
        }
    }
}

fn wait_for(thread: &Rc<Thread>, frame: &mut Frame, wait: WaitFor) -> Waited {
    if signal::ends_wait(thread, &wait) {
        return Waited::Left(interrupted_wait(thread, frame, &wait));
    }
    park::begin_wait(thread, wait);
    entry_point::check();
    let wake = match park::park(thread) {
        Unparked::Woken(wake) => wake,
        Unparked::Stop => return Waited::Left(stop(thread, frame)),
        Unparked::Freeze => freeze::freeze_waiting(thread, frame),
    };
    match park::end_wait(thread) {
        Some(wait) => wait_ended(thread, frame, wait, wake),
        None => Waited::Left(leave(thread, frame, None)),
    }
}

fn wait_ended(thread: &Rc<Thread>, frame: &mut Frame, wait: WaitFor, wake: Wake) -> Waited {
    if wake != Wake::Signal {
        return Waited::Resume(wait.progress, wake);
    }
    if signal::ends_wait(thread, &wait) {
        return Waited::Left(interrupted_wait(thread, frame, &wait));
    }
    // The signal came to nothing: another thread has taken it. The call looks again, since an event, or one who wakes
    // by name, may have passed this thread over meanwhile. Only a deadly signal ends a wait for a child.
    match wait.progress {
        Progress::Child(_) => Waited::Again(wait),
        progress @ (Progress::Entered | Progress::EnteredUntil(_)) => Waited::Resume(progress, Wake::Signal),
        progress => Waited::Resume(progress, Wake::Event),
    }
}

/// A signal ended the wait of a call: what was done counts; a call that had done nothing is restarted or answers `EINTR`.
fn interrupted_wait(thread: &Rc<Thread>, frame: &mut Frame, wait: &WaitFor) -> Way {
    if let Progress::Bytes(bytes @ 1..) | Progress::BytesUntil(bytes @ 1.., _) = wait.progress {
        strace::finished(thread, frame, bytes as u64);
        return finish(thread, frame, bytes as u64, None);
    }
    if wait.finishes {
        match call(thread, frame, Some((wait.progress, Wake::Signal))) {
            Ok(value) => return finish(thread, frame, value as u64, None),
            Err(Stop::Errno(errno)) if errno != EINTR => return finish(thread, frame, errno.as_return(), None),
            _ => {}
        }
    } else {
        strace::interrupted(thread, frame, wait.rule);
    }
    finish(thread, frame, EINTR.as_return(), Some(wait.rule))
}

/// The call has its result.
fn finish(thread: &Rc<Thread>, frame: &mut Frame, result: u64, rule: Option<RestartRule>) -> Way {
    frame.registers.rax = result;
    counts::finished(frame.registers.syscall, result);
    crate::local::note_call(thread.tid.0, frame.registers.syscall, result);
    leave(thread, frame, rule)
}

fn call(thread: &Rc<Thread>, frame: &mut Frame, resumed: Option<(Progress, Wake)>) -> Outcome {
    // Linux looks at the lower half of rax only.
    let number = u64::from(frame.registers.syscall as u32);
    if thread.seccomp_mode.get() != seccomp::Mode::Disabled && resumed.is_none() {
        filtered(thread, frame)?;
    }
    let registers = &frame.registers;
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9];
    let Some(row) = table::row(number) else {
        match absent::name(number) {
            Some(_) if number == absent::EXPECTED => {}
            Some(name) => kernel().note_unsupported(&alloc::format!("system call {number}, {name}")),
            None => kernel().note_unsupported(&alloc::format!("system call {number}")),
        }
        strace::absent(thread, number, &arguments);
        return Err(ENOSYS.into());
    };
    let outcome = (row.call)(&mut Context { thread, frame, resumed }, &arguments);
    if strace::is_on() {
        strace::call(thread, row, &arguments, &outcome);
    }
    outcome
}

/// Asks the thread's own filters about a new call; an error is what comes of it instead.
#[cold]
fn filtered(thread: &Rc<Thread>, frame: &mut Frame) -> Result<(), Stop> {
    let registers = &mut frame.registers;
    let kill = match seccomp::judge(thread, registers) {
        Verdict::Allow => return Ok(()),
        Verdict::Errno(0) => {
            registers.rax = 0;
            return Err(Stop::RegistersSet);
        }
        Verdict::Errno(errno) => return Err(Errno(errno).into()),
        Verdict::Nobody => return Err(ENOSYS.into()),
        Verdict::Trap(told) => {
            let number = registers.syscall as i32;
            registers.rax = registers.syscall as u64;
            let info = Info::from_filter(told, registers.rip, number, seccomp::ARCHITECTURE);
            signal::send::force(thread, info);
            return Err(Stop::RegistersSet);
        }
        Verdict::KillThread => thread.process().threads.borrow().len() == 1,
        Verdict::KillProcess => true,
    };
    let strict = thread.seccomp_mode.get() == seccomp::Mode::Strict;
    let deadly = if strict { signal::Signal::KILL } else { signal::Signal::SYS };
    Err(if kill { Stop::ProcessExit(Exit::Signal(deadly.0)) } else { Stop::ThreadExit })
}

/// The way out to user code: signals, freezing, ending. The caller releases the lock and returns.
pub fn leave(thread: &Rc<Thread>, frame: &mut Frame, mut rule: Option<RestartRule>) -> Way {
    loop {
        crate::task::awaken::those_due();
        if per_thread().pending.swap(0, SeqCst) != 0 {
            // The monitor kicks when it has something to say that can't wait for the next thread to block.
            crate::control::receive_all();
        }
        if thread.exiting.get() {
            return crate::task::exit::thread_exits(thread);
        }
        if rule.is_none() {
            signal::finish_mask(thread);
        }
        signal::deliver(thread, frame, rule.take());
        if thread.exiting.get() {
            continue;
        }
        if thread.process().stopped.get().is_some() {
            match rest_while_stopped(thread, frame) {
                None => continue,
                Some(way) => return way,
            }
        }
        if local().stopping.load(SeqCst) != 0 {
            return stop(thread, frame);
        }
        if kernel().control.freeze_asked.get() {
            freeze::freeze_now(thread, frame);
        }
        break;
    }
    poller::ensure_poller();
    if local().stamp_resume.load(Relaxed) == thread.tid.0 {
        local().stamp_resume.store(0, Relaxed);
        crowd::booted();
        crate::local::stamp(abi::boot::Stamp::Resumed);
    }
    Way::Out
}

/// The process is stopped by a signal: this thread stays where it is, between two instructions of the program, until
/// the process goes on or has to end.
fn rest_while_stopped(thread: &Rc<Thread>, frame: &mut Frame) -> Option<Way> {
    // Its registers are complete: should it become data here, no call is continued.
    frame.registers.syscall = -1;
    let mut wait = WaitFor::events(&thread.process().goes_on, Events::IN, "stopped");
    wait.killable_only = true;
    park::begin_wait(thread, wait);
    let unparked = park::park(thread);
    drop(park::end_wait(thread));
    match unparked {
        Unparked::Woken(_) => None,
        Unparked::Stop => Some(stop(thread, frame)),
        Unparked::Freeze => freeze::freeze_now(thread, frame),
    }
}

/// All threads are being stopped: this one becomes data and its host thread ends.
fn stop(thread: &Rc<Thread>, frame: &mut Frame) -> Way {
    thread.become_data(frame);
    per_thread().tid.set(0);
    Way::End
}

fn freeze_is_due(continued: bool) -> bool {
    !continued && kernel().launch.borrow().freeze_at.is_some_and(|at| at == kernel().syscalls.get())
}
