//! `prctl(2)`.

use super::credentials::KEEP_CAPS;
use super::{Context, Outcome};
use crate::errno::{EFAULT, EINVAL, ENODEV, ENXIO, EPERM};
use crate::kernel;
use crate::task::capability::{CAP_SETPCAP, CAP_SYS_RESOURCE};
use crate::task::exit::{PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG};
use crate::task::process::{Credentials, Process};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};

const PR_GET_PDEATHSIG: u32 = 2;
const PR_GET_DUMPABLE: u32 = 3;
/// `PR_SET_DUMPABLE`.
pub const PR_SET_DUMPABLE: u32 = 4;
const PR_GET_KEEPCAPS: u32 = 7;
const PR_SET_KEEPCAPS: u32 = 8;
const PR_GET_TIMING: u32 = 13;
const PR_SET_TIMING: u32 = 14;
const PR_SET_NAME: u32 = 15;
const PR_GET_NAME: u32 = 16;
const PR_GET_SECCOMP: u32 = 21;
const PR_SET_SECCOMP: u32 = 22;
const PR_CAPBSET_READ: u32 = 23;
const PR_CAPBSET_DROP: u32 = 24;
const PR_GET_TSC: u32 = 25;
const PR_SET_TSC: u32 = 26;
const PR_GET_SECUREBITS: u32 = 27;
const PR_SET_SECUREBITS: u32 = 28;
const PR_SET_TIMERSLACK: u32 = 29;
const PR_GET_TIMERSLACK: u32 = 30;
const PR_MCE_KILL: u32 = 33;
const PR_MCE_KILL_GET: u32 = 34;
const PR_GET_CHILD_SUBREAPER: u32 = 37;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_GET_NO_NEW_PRIVS: u32 = 39;
const PR_GET_TID_ADDRESS: u32 = 40;
const PR_SET_THP_DISABLE: u32 = 41;
const PR_GET_THP_DISABLE: u32 = 42;
const PR_CAP_AMBIENT: u32 = 47;
const PR_GET_SPECULATION_CTRL: u32 = 52;
const PR_SET_SPECULATION_CTRL: u32 = 53;
const PR_SET_IO_FLUSHER: u32 = 57;
const PR_GET_IO_FLUSHER: u32 = 58;
const PR_GET_MDWE: u32 = 66;
const PR_GET_AUXV: u32 = 0x4155_5856;
/// The last capability there is.
pub(super) const CAP_LAST: u64 = 40;
/// The kinds of speculation that have a control.
const SPECULATIONS: core::ops::RangeInclusive<u64> = 0..=2;

/// `prctl(2)`.
pub fn prctl(context: &mut Context<'_>, option: u32, first: u64, second: u64, third: u64, fourth: u64) -> Outcome {
    let process = context.process();
    let rest = [second, third, fourth];
    let none = |arguments: &[u64]| if arguments.iter().any(|argument| *argument != 0) { Err(EINVAL) } else { Ok(()) };
    let set = |value: u64| {
        process.flags.borrow_mut().insert(option, value);
        Ok(0)
    };
    let kept = |option: u32| process.flags.borrow().get(&option).copied();
    match option {
        PR_GET_DUMPABLE => Ok(kept(PR_SET_DUMPABLE).unwrap_or(1) as usize),
        PR_SET_DUMPABLE if first <= 1 => set(first),
        PR_SET_PDEATHSIG if first <= 64 => set(first),
        PR_GET_PDEATHSIG => write_number(first, kept(PR_SET_PDEATHSIG).unwrap_or(0)),
        PR_SET_CHILD_SUBREAPER => set(u64::from(first != 0)),
        PR_GET_CHILD_SUBREAPER => write_number(first, kept(PR_SET_CHILD_SUBREAPER).unwrap_or(0)),
        PR_SET_NAME => set_name(context, UserAddr(first)),
        PR_GET_NAME => {
            let mut bytes = [0; 16];
            let name = context.thread.name.borrow().clone();
            bytes[..name.len().min(15)].copy_from_slice(&name[..name.len().min(15)]);
            copy_out(UserAddr(first), &bytes)?;
            Ok(0)
        }
        PR_GET_SECCOMP => Ok(super::seccomp::mode(context)),
        PR_SET_SECCOMP => super::seccomp::from_prctl(context, first, second),
        PR_GET_TIMING => Ok(0),
        PR_SET_TIMING if first == 0 => Ok(0),
        PR_GET_TSC => write_number(first, 1),
        PR_SET_TSC if first == 1 => Ok(0),
        PR_GET_TIMERSLACK => Ok(context.thread.schedule.borrow().slack.load()[0] as usize),
        PR_SET_TIMERSLACK => {
            let mut schedule = context.thread.schedule.borrow_mut();
            let [_, default] = schedule.slack.load();
            if !schedule.is_real_time() {
                // Negative and 0: the default.
                let slack = if first == 0 || first > i64::MAX as u64 { default } else { first };
                schedule.slack.store([slack, default]);
            }
            Ok(0)
        }
        PR_MCE_KILL => machine_checks(&process, first, second, [third, fourth]),
        PR_MCE_KILL_GET => {
            none(&[first, second, third, fourth])?;
            Ok(kept(PR_MCE_KILL).unwrap_or(2) as usize)
        }
        PR_SET_NO_NEW_PRIVS => {
            none(&rest)?;
            if first != 1 {
                return Err(EINVAL.into());
            }
            process.credentials.borrow_mut().no_new_privileges = true;
            Ok(0)
        }
        PR_GET_NO_NEW_PRIVS => {
            none(&[first, second, third, fourth])?;
            Ok(usize::from(process.credentials.borrow().no_new_privileges))
        }
        PR_GET_TID_ADDRESS => {
            UserPtr::<u64>::new(first).write(context.thread.clear_child_tid.get().0)?;
            Ok(0)
        }
        PR_SET_THP_DISABLE => {
            none(&rest)?;
            set(u64::from(first != 0))
        }
        PR_GET_THP_DISABLE => {
            none(&[first, second, third, fourth])?;
            Ok(kept(PR_SET_THP_DISABLE).unwrap_or(0) as usize)
        }
        // The processor's answers are not the sandbox's to change: none of these is there to be mitigated.
        PR_GET_SPECULATION_CTRL => {
            none(&rest)?;
            if SPECULATIONS.contains(&first) { Ok(0) } else { Err(ENODEV.into()) }
        }
        PR_SET_SPECULATION_CTRL => {
            none(&rest[1..])?;
            Err(if SPECULATIONS.contains(&first) { ENXIO } else { ENODEV }.into())
        }
        PR_SET_IO_FLUSHER | PR_GET_IO_FLUSHER => {
            if !process.credentials.borrow().is_capable(CAP_SYS_RESOURCE) {
                return Err(EPERM.into());
            }
            none(&rest)?;
            match (option, first) {
                (PR_GET_IO_FLUSHER, 0) => Ok(kept(PR_SET_IO_FLUSHER).unwrap_or(0) as usize),
                (PR_SET_IO_FLUSHER, 0 | 1) => set(first),
                _ => Err(EINVAL.into()),
            }
        }
        PR_GET_MDWE => {
            none(&[first, second, third, fourth])?;
            Ok(0)
        }
        PR_GET_AUXV => {
            none(&rest[1..])?;
            let auxiliary = process.auxiliary.borrow().clone();
            let room = usize::try_from(second).unwrap_or(usize::MAX).min(auxiliary.len());
            copy_out(UserAddr(first), &auxiliary[..room])?;
            Ok(auxiliary.len())
        }
        PR_GET_KEEPCAPS | PR_SET_KEEPCAPS | PR_CAPBSET_READ | PR_CAPBSET_DROP | PR_GET_SECUREBITS
        | PR_SET_SECUREBITS | PR_CAP_AMBIENT => {
            privileges(&mut process.credentials.borrow_mut(), option, first, second, [third, fourth])
        }
        // Known, and their arguments are not.
        PR_SET_DUMPABLE | PR_SET_PDEATHSIG | PR_SET_TIMING | PR_SET_TSC => Err(EINVAL.into()),
        _ => {
            kernel().note_unsupported(&alloc::format!("prctl option {option:#x}"));
            Err(EINVAL.into())
        }
    }
}

fn write_number(to: u64, value: u64) -> Outcome {
    UserPtr::<i32>::new(to).write(value as i32).map_err(|_| EFAULT)?;
    Ok(0)
}

fn set_name(context: &Context<'_>, from: UserAddr) -> Outcome {
    let name = crate::user_memory::read_string(from, 4096).or_else(|errno| {
        let mut bytes = [0; 15];
        copy_in(&mut bytes, from).map(|()| bytes.to_vec()).map_err(|_| errno)
    })?;
    *context.thread.name.borrow_mut() = name[..name.len().min(15)].to_vec();
    Ok(0)
}

/// `PR_MCE_KILL`: there are no machine checks; what is wanted of them is kept.
fn machine_checks(process: &Process, first: u64, second: u64, rest: [u64; 2]) -> Outcome {
    const CLEAR: u64 = 0;
    const SET: u64 = 1;
    let policy = match (first, second) {
        _ if rest != [0; 2] => return Err(EINVAL.into()),
        (CLEAR, 0) => 2,
        (SET, 0..=2) => second,
        _ => return Err(EINVAL.into()),
    };
    process.flags.borrow_mut().insert(PR_MCE_KILL, policy);
    Ok(0)
}

/// What is kept with the users: `capabilities(7)`.
fn privileges(own: &mut Credentials, option: u32, first: u64, second: u64, rest: [u64; 2]) -> Outcome {
    const KEEP_CAPS_LOCKED: u32 = KEEP_CAPS << 1;
    const ALL_BITS: u32 = 0x555;
    const ALL_LOCKS: u32 = ALL_BITS << 1;
    match option {
        PR_GET_KEEPCAPS => Ok(usize::from(own.secure_bits & KEEP_CAPS != 0)),
        PR_SET_KEEPCAPS if first > 1 => Err(EINVAL.into()),
        PR_SET_KEEPCAPS if own.secure_bits & KEEP_CAPS_LOCKED != 0 => Err(EPERM.into()),
        PR_SET_KEEPCAPS => {
            own.secure_bits = own.secure_bits & !KEEP_CAPS | if first == 1 { KEEP_CAPS } else { 0 };
            Ok(0)
        }
        PR_CAPBSET_READ if first <= CAP_LAST => Ok((own.bounding >> first & 1) as usize),
        PR_CAPBSET_DROP if !own.is_capable(CAP_SETPCAP) => Err(EPERM.into()),
        PR_CAPBSET_DROP if first <= CAP_LAST => {
            own.bounding &= !(1 << first);
            Ok(0)
        }
        PR_GET_SECUREBITS => Ok(own.secure_bits as usize),
        PR_SET_SECUREBITS => {
            let locked = (own.secure_bits & ALL_LOCKS) >> 1;
            let Ok(new) = u32::try_from(first) else { return Err(EPERM.into()) };
            let refused = locked & (own.secure_bits ^ new) != 0
                || own.secure_bits & ALL_LOCKS & !new != 0
                || new & !(ALL_BITS | ALL_LOCKS) != 0;
            if refused || !own.is_capable(CAP_SETPCAP) {
                return Err(EPERM.into());
            }
            own.secure_bits = new;
            Ok(0)
        }
        PR_CAP_AMBIENT => ambient(own, first, second, rest),
        _ => Err(EINVAL.into()),
    }
}

fn ambient(own: &mut Credentials, operation: u64, capability: u64, rest: [u64; 2]) -> Outcome {
    const IS_SET: u64 = 1;
    const RAISE: u64 = 2;
    const LOWER: u64 = 3;
    const CLEAR_ALL: u64 = 4;
    const NO_RAISE: u32 = 64;
    if operation == CLEAR_ALL && capability == 0 && rest == [0; 2] {
        own.ambient = 0;
        return Ok(0);
    }
    if operation == CLEAR_ALL || capability > CAP_LAST || rest != [0; 2] {
        return Err(EINVAL.into());
    }
    let bit = 1 << capability;
    match operation {
        IS_SET => return Ok(usize::from(own.ambient & bit != 0)),
        LOWER => own.ambient &= !bit,
        RAISE => {
            let [_, permitted, inheritable] = own.capabilities;
            if permitted & inheritable & bit == 0 || own.secure_bits & NO_RAISE != 0 {
                return Err(EPERM.into());
            }
            own.ambient |= bit;
        }
        _ => return Err(EINVAL.into()),
    }
    Ok(0)
}
