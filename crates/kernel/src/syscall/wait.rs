//! Waiting for children: `wait4(2)`, `waitid(2)`.

use super::arguments::Fd;
use super::{Context, Outcome, RestartRule, Stop};
use crate::errno::{EAGAIN, EBADF, ECHILD, EINVAL};
use crate::events::pidfd::PidFd;
use crate::fs::file::OpenFlags;
use crate::task::Pid;
use crate::task::wait::{self, Answer, Event, Found, Question, Who};
use crate::user_memory::{UserAddr, UserPtr, copy_out};
use crate::wait::{Events, WaitFor};
use abi::control::Exit;

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x0100_0000;
const WNOTHREAD: u32 = 0x2000_0000;
const WALL: u32 = 0x4000_0000;
const WCLONE: u32 = 0x8000_0000;

fn question(who: Who, options: u32) -> Question {
    Question {
        who,
        exited: options & WEXITED != 0,
        stopped: options & WUNTRACED != 0,
        continued: options & WCONTINUED != 0,
        clones: options & WCLONE != 0,
        all: options & WALL != 0,
        keep: options & WNOWAIT != 0,
    }
}

/// Asks, and waits unless it may not: `None` when there is nothing yet.
fn ask(context: &Context<'_>, question: &Question, options: u32) -> Result<Option<Answer>, Stop> {
    let process = context.process();
    match wait::ask(&process, question) {
        Found::Answer(answer) => Ok(Some(answer)),
        Found::NoChild => Err(ECHILD.into()),
        Found::Nothing if options & WNOHANG != 0 => Ok(None),
        Found::Nothing => {
            let changed = WaitFor::events(&process.child_changed, Events::IN, "child");
            Err(Stop::Wait(changed, RestartRule::IfFlagged))
        }
    }
}

/// `wait4(2)`.
pub fn wait4(context: &mut Context<'_>, pid: i32, status: UserPtr<u32>, options: u32, usage: UserPtr<u64>) -> Outcome {
    if options & !(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE) != 0 {
        return Err(EINVAL.into());
    }
    let who = match pid {
        i32::MIN => return Err(crate::errno::ESRCH.into()),
        -0x7fff_ffff..-1 => Who::Group(Pid(pid.unsigned_abs())),
        -1 => Who::Any,
        0 => Who::Group(context.process().group.get()),
        _ => Who::Child(Pid(pid.unsigned_abs())),
    };
    let Some(answer) = ask(context, &question(who, options | WEXITED), options)? else { return Ok(0) };
    if let Some(status) = status.non_null() {
        status.write(answer.event.status())?;
    }
    if let Some(usage) = usage.non_null() {
        write_usage(usage, &answer)?;
    }
    Ok(answer.child.pid.0 as usize)
}

/// `struct rusage` of a child and those it has waited for.
fn write_usage(usage: UserPtr<u64>, answer: &Answer) -> Result<(), Stop> {
    let child = &answer.child;
    let micros = match answer.event {
        Event::Ended(_) => child.cpu_ns.get(),
        _ => crate::time::clock::process_cpu_ns(child),
    } + child.children_cpu_ns.get();
    let micros = micros / 1000;
    let mut words = [0u64; 18];
    words[..2].copy_from_slice(&[micros / 1_000_000, micros % 1_000_000]);
    for (index, word) in words.into_iter().enumerate() {
        usage.at(index).write(word)?;
    }
    Ok(())
}

/// `waitid(2)`.
pub fn waitid(
    context: &mut Context<'_>,
    kind: u32,
    id: u32,
    info: UserAddr,
    options: u32,
    usage: UserPtr<u64>,
) -> Outcome {
    let result = wait_for_id(context, kind, id, options);
    if let Err(Stop::Errno(errno)) = result {
        // The fields are written in any case.
        if !info.is_null() {
            copy_out(info, &[0; 28])?;
        }
        return Err(errno.into());
    }
    let answer = result?;
    let mut bytes = [0u8; 32];
    if let Some(answer) = &answer {
        const SIGCHLD: i32 = 17;
        let (code, status) = answer.event.code();
        let uid = answer.child.credentials.borrow().uid[0];
        let fields = [SIGCHLD, 0, code, 0, answer.child.pid.0.cast_signed(), uid.cast_signed(), status];
        for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
    }
    if !info.is_null() {
        copy_out(info, &bytes[..28])?;
    }
    if let (Some(usage), Some(answer)) = (usage.non_null(), &answer) {
        write_usage(usage, answer)?;
    }
    debug_assert!(
        answer.is_none_or(|answer| answer.event.status() != 0 || answer.event == Event::Ended(Exit::Status(0)))
    );
    Ok(0)
}

fn wait_for_id(context: &mut Context<'_>, kind: u32, id: u32, options: u32) -> Result<Option<Answer>, Stop> {
    const P_ALL: u32 = 0;
    const P_PID: u32 = 1;
    const P_PGID: u32 = 2;
    const P_PIDFD: u32 = 3;
    let known = WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE;
    if options & !known != 0 || options & (WEXITED | WUNTRACED | WCONTINUED) == 0 {
        return Err(EINVAL.into());
    }
    let mut waits = true;
    let who = match (kind, id) {
        (P_ALL, _) => Who::Any,
        (P_PID, 1..=0x7fff_ffff) => Who::Child(Pid(id)),
        (P_PGID, 0) => Who::Group(context.process().group.get()),
        (P_PGID, 1..=0x7fff_ffff) => Who::Group(Pid(id)),
        (P_PIDFD, 0..=0x7fff_ffff) => {
            let file = super::pidfds::find(context, Fd(id.cast_signed()))?;
            waits = !file.flags.get().contains(OpenFlags::NONBLOCK);
            let pidfd = file.downcast::<PidFd>().ok_or(EBADF)?;
            if pidfd.is_gone() {
                return Err(ECHILD.into());
            }
            Who::Child(pidfd.process.pid)
        }
        _ => return Err(EINVAL.into()),
    };
    match ask(context, &question(who, options), if waits { options } else { options | WNOHANG })? {
        None if !waits && options & WNOHANG == 0 => Err(EAGAIN.into()),
        answer => Ok(answer),
    }
}
