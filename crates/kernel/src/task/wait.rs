//! What a parent learns of its children: `wait4(2)`, `waitid(2)`, `SIGCHLD`; and who is told when there is no
//! parent any more.

use super::exit::{self, PR_SET_PDEATHSIG};
use super::signal::actions::{ActionFlags, IGNORE};
use super::signal::queue::Info;
use super::signal::{self, Signal, Source};
use super::{Pid, Process};
use crate::kernel;
use crate::wait::Events;
use abi::control::Exit;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Process 1, the kernel's own: asks for its children at once.
pub const PARENT_OF_ORPHANS: Pid = Pid(1);

/// Whom a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Any child.
    Any,
    /// One of a process group.
    Group(Pid),
    /// This one.
    Child(Pid),
}

/// What a call wants to know, and how.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Whom it waits for.
    pub who: Who,
    /// Ends.
    pub exited: bool,
    /// Stops.
    pub stopped: bool,
    /// Going on.
    pub continued: bool,
    /// `__WCLONE`: children whose end sends no `SIGCHLD`, and no others.
    pub clones: bool,
    /// `__WALL`: all.
    pub all: bool,
    /// `WNOWAIT`: what is answered can be asked for again.
    pub keep: bool,
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It ended.
    Ended(Exit),
    /// It stopped by a signal.
    Stopped(Signal),
    /// It went on.
    Continued,
}

impl Event {
    /// As `wait4` tells it.
    pub fn status(self) -> u32 {
        match self {
            Self::Ended(Exit::Status(status)) => u32::from(status) << 8,
            Self::Ended(Exit::Signal(signal)) => signal.into(),
            Self::Ended(Exit::OutOfMemory) => Signal::KILL.0.into(),
            Self::Stopped(signal) => u32::from(signal.0) << 8 | 0x7f,
            Self::Continued => 0xffff,
        }
    }

    /// As `siginfo_t` tells it: `si_code` and `si_status`.
    pub fn code(self) -> (i32, i32) {
        const EXITED: i32 = 1;
        const KILLED: i32 = 2;
        const STOPPED: i32 = 5;
        const CONTINUED: i32 = 6;
        match self {
            Self::Ended(Exit::Status(status)) => (EXITED, status.into()),
            Self::Ended(Exit::Signal(signal)) => (KILLED, signal.into()),
            Self::Ended(Exit::OutOfMemory) => (KILLED, Signal::KILL.0.into()),
            Self::Stopped(signal) => (STOPPED, signal.0.into()),
            Self::Continued => (CONTINUED, Signal::CONT.0.into()),
        }
    }
}

/// An answer.
pub struct Answer {
    /// The child.
    pub child: Rc<Process>,
    /// What happened to it.
    pub event: Event,
}

/// What there is to answer.
pub enum Found {
    /// This.
    Answer(Answer),
    /// Nothing yet.
    Nothing,
    /// There is no such child.
    NoChild,
}

/// All children of a process.
pub fn children(parent: Pid) -> Vec<Rc<Process>> {
    let processes = kernel().tasks.processes.borrow();
    processes.values().filter(|process| process.parent.get() == parent && process.pid != parent).cloned().collect()
}

/// Looks for an answer, and takes it unless it is to be kept.
pub fn ask(parent: &Rc<Process>, question: &Question) -> Found {
    let mut any = false;
    for child in children(parent.pid) {
        let concerned = match question.who {
            Who::Any => true,
            Who::Group(group) => child.group.get() == group,
            Who::Child(pid) => child.pid == pid,
        };
        let clone = child.exit_signal.get() != Signal::CHLD.0;
        if !concerned || !question.all && clone != question.clones {
            continue;
        }
        any = true;
        if let Some(event) = happened(&child, question) {
            if !question.keep {
                take(parent, &child, event);
            }
            return Found::Answer(Answer { child, event });
        }
    }
    if any { Found::Nothing } else { Found::NoChild }
}

fn happened(child: &Rc<Process>, question: &Question) -> Option<Event> {
    if child.is_zombie() {
        return child.exit.get().filter(|_| question.exited).map(Event::Ended);
    }
    child.unasked.get().filter(|event| match event {
        Event::Stopped(_) => question.stopped && child.stopped.get().is_some(),
        _ => question.continued,
    })
}

fn take(parent: &Process, child: &Rc<Process>, event: Event) {
    child.unasked.set(None);
    if matches!(event, Event::Ended(_)) {
        let used = child.cpu_ns.get() + child.children_cpu_ns.get();
        parent.children_cpu_ns.set(parent.children_cpu_ns.get() + used);
        bury(child);
    }
}

fn bury(child: &Rc<Process>) {
    let gone = kernel().tasks.processes.borrow_mut().remove(&child.pid);
    child.ended.wake(Events::IN | Events::RDNORM | Events::HUP);
    drop(gone);
}

/// A process has ended: its parent is told and finds a zombie, unless it does not care.
pub fn tell_parent_of_end(process: &Rc<Process>) {
    let exit = process.exit.get().unwrap_or(Exit::Status(0));
    let parent = exit::find_process(process.parent.get()).filter(|parent| !parent.is_zombie());
    let Some(parent) = parent else {
        bury(process);
        return;
    };
    let action = parent.signals.actions.get(Signal::CHLD);
    let does_not_care = action.handler == IGNORE || action.flags.contains(ActionFlags::NOCLDWAIT);
    let signal = process.exit_signal.get();
    if signal == Signal::CHLD.0 && does_not_care {
        bury(process);
    }
    // `clone(2)` takes any number for it.
    let is_signal = Signal::new(i32::from(signal)).is_ok();
    if is_signal && !(signal == Signal::CHLD.0 && action.handler == IGNORE) {
        tell(&parent, process, Signal(signal), Event::Ended(exit));
    }
    parent.child_changed.wake(Events::IN);
}

fn tell(parent: &Rc<Process>, child: &Process, signal: Signal, event: Event) {
    let (code, status) = event.code();
    let uid = child.credentials.borrow().uid[0];
    let info = Info::from_child(signal, code, child.pid.0, uid, status);
    let _ = signal::to_process(parent, info, Source::Other);
}

/// A process stopped or goes on: its parent is told.
pub fn tell_parent_of_change(process: &Rc<Process>, event: Event) {
    process.unasked.set(Some(event));
    let Some(parent) = exit::find_process(process.parent.get()) else { return };
    let action = parent.signals.actions.get(Signal::CHLD);
    if action.handler != IGNORE && !action.flags.contains(ActionFlags::NOCLDSTOP) {
        tell(&parent, process, Signal::CHLD, event);
    }
    parent.child_changed.wake(Events::IN);
}

/// A process has ended: its children get another parent, or are told that they have none.
pub fn give_children_away(process: &Rc<Process>) {
    let adopter = exit::adopter(process);
    for child in children(process.pid) {
        child.parent.set(adopter);
        let signal = child.flags.borrow().get(&PR_SET_PDEATHSIG).copied().unwrap_or(0);
        if let Ok(signal @ 1..=64) = u8::try_from(signal) {
            let _ = signal::to_process(&child, Info::new(Signal(signal), 0), Source::Other);
        }
        if child.is_zombie() {
            // Children that nobody has asked for yet are the adopter's to ask for.
            child.exit_signal.set(Signal::CHLD.0);
            tell_parent_of_end(&child);
        }
        release_orphans(child.group.get(), child.session.get());
    }
    release_orphans(process.group.get(), process.session.get());
}

/// The processes of a group that have not ended.
fn members(group: Pid) -> Vec<Rc<Process>> {
    let processes = kernel().tasks.processes.borrow();
    processes.values().filter(|process| process.group.get() == group && !process.is_zombie()).cloned().collect()
}

/// Whether nobody of its session, outside the process group, could continue it.
pub fn is_orphaned(group: Pid, session: Pid) -> bool {
    let outsider = |parent: Pid| {
        exit::find_process(parent)
            .is_some_and(|parent| parent.session.get() == session && parent.group.get() != group && !parent.is_zombie())
    };
    !members(group).iter().any(|member| outsider(member.parent.get()))
}

/// A process group whose stopped members nobody could continue any more is hung up on.
fn release_orphans(group: Pid, session: Pid) {
    let members = members(group);
    if is_orphaned(group, session) && members.iter().any(|member| member.stopped.get().is_some()) {
        for member in members {
            for signal in [Signal::HUP, Signal::CONT] {
                let _ = signal::to_process(&member, Info::new(signal, signal::queue::SI_KERNEL), Source::Other);
            }
        }
    }
}
