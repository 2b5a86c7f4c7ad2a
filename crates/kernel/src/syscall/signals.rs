//! Signals: actions, masks, sending, waiting.

use super::arguments::Argument;
use super::strace::SignalName;
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EAGAIN, EINTR, EINVAL, EPERM, ESRCH, Errno};
use crate::kernel;
use crate::task::process::Credentials;
use crate::task::signal::actions::Action;
use crate::task::signal::queue::{INFO_SIZE, Info, SI_TKILL, SI_USER};
use crate::task::signal::{self, SS_DISABLE, SS_ONSTACK, Signal, Source};
use crate::task::{Pid, Process, Thread, Tid, exit};
use crate::time::clock;
use crate::user_memory::UserPtr;
use crate::wait::{Events, Progress, WaitFor};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// The number of a signal, or 0.
#[derive(Clone, Copy, Debug)]
pub struct SignalNumber(pub i32);

impl SignalNumber {
    fn signal(self) -> Result<Signal, Errno> {
        Signal::new(self.0)
    }

    /// Whether it is this number.
    pub(super) fn is(self, number: i32) -> bool {
        self.0 == number
    }

    /// As [`SignalNumber::signal`]; none for 0, with which `kill` only asks.
    pub(super) fn signal_or_probe(self) -> Result<Option<Signal>, Errno> {
        if self.0 == 0 { Ok(None) } else { self.signal().map(Some) }
    }
}

impl Argument for SignalNumber {
    fn decode(raw: u64) -> Result<Self, Errno> {
        Ok(Self(raw as i32))
    }
    fn show(raw: u64, to: &mut dyn Write) -> fmt::Result {
        match Signal::new(raw as i32) {
            Ok(signal) => write!(to, "{}", SignalName(signal)),
            Err(_) => write!(to, "{}", raw as i32),
        }
    }
}

fn check_size(size: usize) -> Result<(), Errno> {
    if size == 8 { Ok(()) } else { Err(EINVAL) }
}

/// `rt_sigaction(2)`.
pub fn rt_sigaction(
    context: &mut Context<'_>,
    signal: SignalNumber,
    new: UserPtr<[u64; 4]>,
    old: UserPtr<[u64; 4]>,
    size: usize,
) -> Outcome {
    check_size(size)?;
    let signal = signal.signal()?;
    let process = context.process();
    let actions = &process.signals.actions;
    let before = actions.get(signal);
    if let Some(new) = new.non_null() {
        let action = Action::from_words(new.read()?);
        if signal.bit() & Signal::UNSTOPPABLE != 0 {
            return Err(EINVAL.into());
        }
        actions.set(signal, action);
        if action.ignores(signal) {
            signal::send::discard(&process, signal.bit());
        }
    }
    if let Some(old) = old.non_null() {
        old.write(before.to_words())?;
    }
    Ok(0)
}

/// `rt_sigprocmask(2)`.
pub fn rt_sigprocmask(
    context: &mut Context<'_>,
    how: i32,
    set: UserPtr<u64>,
    old: UserPtr<u64>,
    size: usize,
) -> Outcome {
    check_size(size)?;
    let signals = &context.thread.signals;
    let before = signals.mask();
    if let Some(set) = set.non_null() {
        let set = set.read()?;
        signals.set_mask(match how {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(EINVAL.into()),
        });
        if signals.mask() & !before != 0 {
            signal::send::retarget(context.thread);
        }
    }
    if let Some(old) = old.non_null() {
        old.write(before)?;
    }
    Ok(0)
}

/// `rt_sigpending(2)`.
pub fn rt_sigpending(context: &mut Context<'_>, set: UserPtr<u64>, size: usize) -> Outcome {
    if size > 8 {
        return Err(EINVAL.into());
    }
    let pending = signal::pending(context.thread) & context.thread.signals.mask();
    if size > 0 {
        crate::user_memory::copy_out(set.address(), &pending.to_ne_bytes()[..size])?;
    }
    Ok(0)
}

/// `rt_sigsuspend(2)`.
pub fn rt_sigsuspend(context: &mut Context<'_>, set: UserPtr<u64>, size: usize) -> Outcome {
    check_size(size)?;
    context.thread.signals.set_mask_for_call(set.read()?);
    signal::send::retarget(context.thread);
    Err(Stop::Wait(WaitFor::time(None, "signal"), RestartRule::Never))
}

/// `pause(2)`.
pub fn pause(_context: &mut Context<'_>) -> Outcome {
    Err(Stop::Wait(WaitFor::time(None, "signal"), RestartRule::Never))
}

/// `rt_sigtimedwait(2)`.
pub fn rt_sigtimedwait(
    context: &mut Context<'_>,
    set: UserPtr<u64>,
    info: UserPtr<[u8; INFO_SIZE]>,
    time: UserPtr<[i64; 2]>,
    size: usize,
) -> Outcome {
    check_size(size)?;
    let set = set.read()? & !Signal::UNSTOPPABLE;
    let relative = match time.non_null() {
        Some(time) if context.resumed.is_none() => Some(clock::read_timespec(time)?),
        _ => None,
    };
    if let Some(taken) = signal::dequeue(context.thread, set) {
        if let Some(info) = info.non_null() {
            info.write(taken.for_guest())?;
        }
        return Ok(taken.signal().0.into());
    }
    let deadline = context.deadline(relative);
    if context.timed_out() || relative == Some(0) {
        return Err(EAGAIN.into());
    }
    let progress = deadline.map_or(Progress::None, Progress::Deadline);
    let arrived = context.process().signals.arrived.clone();
    let wait = WaitFor::events(&arrived, Events::IN, "signal").until(deadline).progress(progress);
    Err(Stop::Wait(wait, RestartRule::Never))
}

/// `sigaltstack(2)`: `stack_t` is start, flags and size.
pub fn sigaltstack(context: &mut Context<'_>, new: UserPtr<[u64; 3]>, old: UserPtr<[u64; 3]>) -> Outcome {
    let rsp = context.frame.registers.rsp;
    let now = context.thread.signals.alternate_stack();
    if let Some(new) = new.non_null() {
        let [start, flags, size] = new.read()?;
        signal::frame::change_stack(context.thread, rsp, start, flags as u32, size)?;
    }
    if let Some(old) = old.non_null() {
        let state = now.state(rsp);
        debug_assert!(state == 0 || state == SS_ONSTACK || state == SS_DISABLE);
        old.write([now.start, u64::from(state | now.flags), now.size])?;
    }
    Ok(0)
}

/// `rt_sigreturn(2)`.
pub fn rt_sigreturn(context: &mut Context<'_>) -> Outcome {
    signal::delivery::sigreturn(context.thread, context.frame);
    Err(Stop::RegistersSet)
}

/// Whether a process may signal another one, `kill(2)`.
fn may_signal(sender: &Credentials, target: &Credentials) -> bool {
    const CAP_KILL: u64 = 1 << 5;
    let [real, effective, ..] = sender.uid;
    let [target_real, _, target_saved, _] = target.uid;
    sender.capabilities[0] & CAP_KILL != 0
        || [real, effective].iter().any(|uid| *uid == target_real || *uid == target_saved)
}

pub(super) fn check_permission(
    context: &Context<'_>,
    target: &Rc<Process>,
    signal: Option<Signal>,
) -> Result<(), Errno> {
    let process = context.process();
    let same_session = signal == Some(Signal::CONT) && process.session.get() == target.session.get();
    if Rc::ptr_eq(&process, target) || same_session {
        return Ok(());
    }
    let allowed = may_signal(&process.credentials.borrow(), &target.credentials.borrow());
    if allowed { Ok(()) } else { Err(EPERM) }
}

pub(super) fn sender_info(context: &Context<'_>, signal: Signal, code: i32) -> Info {
    let process = context.process();
    let uid = process.credentials.borrow().uid[0];
    Info::from_sender(signal, code, kernel().tasks.shown(process.pid.0), uid)
}

/// `kill(2)`.
pub fn kill(context: &mut Context<'_>, pid: i32, signal: SignalNumber) -> Outcome {
    let signal = signal.signal_or_probe()?;
    let process = context.process();
    let all: Vec<Rc<Process>> = kernel().tasks.processes.borrow().values().cloned().collect();
    let targets: Vec<_> = match pid {
        1.. => {
            // The number of any thread stands for its process.
            let by_thread = || kernel().thread(Tid(pid as u32)).map(|thread| thread.process());
            exit::find_process(Pid(pid as u32)).or_else(by_thread).into_iter().collect()
        }
        0 => all.into_iter().filter(|other| other.group.get() == process.group.get()).collect(),
        -1 => all.into_iter().filter(|other| other.pid.0 > 1 && other.pid != process.pid).collect(),
        _ => {
            let group =
                exit::find_process(Pid(pid.unsigned_abs())).map_or(Pid(pid.unsigned_abs()), |leader| leader.pid);
            all.into_iter().filter(|other| other.group.get() == group).collect()
        }
    };
    let mut result = Err(ESRCH);
    for target in &targets {
        match check_permission(context, target, signal) {
            Ok(()) => result = Ok(()),
            Err(errno) if result != Ok(()) => result = Err(errno),
            Err(_) => continue,
        }
        if let Some(signal) = signal
            && result == Ok(())
        {
            signal::to_process(target, sender_info(context, signal, SI_USER), Source::Other)?;
        }
    }
    result?;
    Ok(0)
}

fn find_thread(tgid: Option<i32>, tid: i32) -> Result<Rc<Thread>, Errno> {
    let number = |number: i32| u32::try_from(number).ok().filter(|number| *number > 0).ok_or(EINVAL);
    let tid = number(tid)?;
    let by_number = || kernel().thread(Tid(tid));
    // The number of this instance is that of the program's first thread, too.
    let leader = || exit::find_process(Pid(tid)).and_then(|process| kernel().thread(Tid(process.pid.0)));
    let thread = by_number().or_else(leader);
    if let Some(tgid) = tgid {
        let process = exit::find_process(Pid(number(tgid)?)).ok_or(ESRCH)?;
        let thread = thread.ok_or(ESRCH)?;
        return if thread.process().pid == process.pid { Ok(thread) } else { Err(ESRCH) };
    }
    thread.ok_or(ESRCH)
}

fn signal_thread(context: &Context<'_>, tgid: Option<i32>, tid: i32, signal: SignalNumber) -> Outcome {
    let thread = find_thread(tgid, tid)?;
    let signal = signal.signal_or_probe()?;
    check_permission(context, &thread.process(), signal)?;
    if let Some(signal) = signal {
        signal::to_thread(&thread, sender_info(context, signal, SI_TKILL), Source::Other)?;
    }
    Ok(0)
}

/// `tkill(2)`.
pub fn tkill(context: &mut Context<'_>, tid: i32, signal: SignalNumber) -> Outcome {
    signal_thread(context, None, tid, signal)
}

/// `tgkill(2)`.
pub fn tgkill(context: &mut Context<'_>, tgid: i32, tid: i32, signal: SignalNumber) -> Outcome {
    signal_thread(context, Some(tgid), tid, signal)
}

/// The information of `rt_sigqueueinfo`: a program may pass itself off as the kernel or as `kill` only to itself.
pub(super) fn queued_info(
    context: &Context<'_>,
    target: &Rc<Process>,
    signal: Option<Signal>,
    info: UserPtr<[u8; INFO_SIZE]>,
) -> Result<Option<Info>, Errno> {
    let bytes = info.read()?;
    let Some(signal) = signal else { return Ok(None) };
    let info = Info::from_guest(signal, bytes);
    let forged = info.code() >= 0 || info.code() == SI_TKILL;
    if forged && !Rc::ptr_eq(&context.process(), target) {
        return Err(EPERM);
    }
    Ok(Some(info))
}

/// `rt_sigqueueinfo(2)`.
pub fn rt_sigqueueinfo(
    context: &mut Context<'_>,
    pid: i32,
    signal: SignalNumber,
    info: UserPtr<[u8; INFO_SIZE]>,
) -> Outcome {
    let signal = signal.signal_or_probe()?;
    let number = u32::try_from(pid).map_err(|_| ESRCH)?;
    let target = exit::find_process(Pid(number)).ok_or(ESRCH)?;
    let info = queued_info(context, &target, signal, info)?;
    check_permission(context, &target, signal)?;
    if let Some(info) = info {
        signal::to_process(&target, info, Source::Queue)?;
    }
    Ok(0)
}

/// `rt_tgsigqueueinfo(2)`.
pub fn rt_tgsigqueueinfo(
    context: &mut Context<'_>,
    tgid: i32,
    tid: i32,
    signal: SignalNumber,
    info: UserPtr<[u8; INFO_SIZE]>,
) -> Outcome {
    let thread = find_thread(Some(tgid), tid)?;
    let signal = signal.signal_or_probe()?;
    let target = thread.process();
    let info = queued_info(context, &target, signal, info)?;
    check_permission(context, &target, signal)?;
    if let Some(info) = info {
        signal::to_thread(&thread, info, Source::Queue)?;
    }
    Ok(0)
}

/// `restart_syscall(2)`: waits here go on by themselves, so there is never one to restart.
pub fn restart_syscall(_context: &mut Context<'_>) -> Outcome {
    Err(EINTR.into())
}
