//! `seccomp(2)` and `prctl(PR_SET_SECCOMP)`.

use super::{Context, Outcome};
use crate::errno::{EACCES, EFAULT, EINVAL, EOPNOTSUPP, ESRCH, Errno};
use crate::kernel;
use crate::task::capability::CAP_SYS_ADMIN;
use crate::task::schedule;
use crate::task::seccomp::{self, Filter, INSTRUCTION, MOST_INSTRUCTIONS, Mode};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use alloc::rc::Rc;

const TSYNC: u32 = 1;
const LOG: u32 = 2;
const SPEC_ALLOW: u32 = 4;
const TSYNC_ESRCH: u32 = 16;

/// `seccomp(2)`.
pub fn seccomp(context: &mut Context<'_>, operation: u32, flags: u32, argument: UserAddr) -> Outcome {
    const STRICT: u32 = 0;
    const FILTER: u32 = 1;
    const ACTION_AVAILABLE: u32 = 2;
    const NOTIFICATION_SIZES: u32 = 3;
    match operation {
        STRICT if flags == 0 && argument.is_null() => strict(context),
        FILTER => filter(context, flags, argument),
        ACTION_AVAILABLE if flags == 0 => {
            let action = UserPtr::<u32>::new(argument.0).read()?;
            if seccomp::knows(action) { Ok(0) } else { Err(EOPNOTSUPP.into()) }
        }
        NOTIFICATION_SIZES if flags == 0 => {
            let sizes = [80u16, 24, 64].map(u16::to_ne_bytes);
            copy_out(argument, sizes.as_flattened())?;
            Ok(0)
        }
        _ => Err(EINVAL.into()),
    }
}

/// `PR_SET_SECCOMP`.
pub fn from_prctl(context: &mut Context<'_>, mode: u64, argument: u64) -> Outcome {
    match mode {
        1 => strict(context),
        2 => filter(context, 0, UserAddr(argument)),
        _ => Err(EINVAL.into()),
    }
}

/// `PR_GET_SECCOMP`: who is in strict mode does not live to see it.
pub fn mode(context: &Context<'_>) -> usize {
    match context.thread.seccomp_mode.get() {
        Mode::Disabled => 0,
        Mode::Strict => 1,
        Mode::Filter => 2,
    }
}

fn strict(context: &Context<'_>) -> Outcome {
    if context.thread.seccomp_mode.get() == Mode::Filter {
        return Err(EINVAL.into());
    }
    context.thread.seccomp_mode.set(Mode::Strict);
    Ok(0)
}

/// `struct sock_fprog`: a count and a pointer.
fn read_program(context: &Context<'_>, argument: UserAddr) -> Result<alloc::vec::Vec<u8>, Errno> {
    if argument.is_null() {
        return Err(EFAULT);
    }
    let [count, pointer] = UserPtr::<[u64; 2]>::new(argument.0).read()?;
    let count = usize::from(count as u16);
    if !(1..=MOST_INSTRUCTIONS).contains(&count) {
        return Err(EINVAL);
    }
    let may = {
        let process = context.process();
        let own = process.credentials.borrow();
        own.no_new_privileges || own.is_capable(CAP_SYS_ADMIN)
    };
    if !may {
        return Err(EACCES);
    }
    let mut program = alloc::vec![0; count * INSTRUCTION];
    copy_in(&mut program, UserAddr(pointer))?;
    Ok(program)
}

fn filter(context: &Context<'_>, flags: u32, argument: UserAddr) -> Outcome {
    if flags & !(TSYNC | LOG | SPEC_ALLOW | TSYNC_ESRCH) != 0 {
        if flags & 0x3f == flags {
            kernel().note_unsupported("seccomp with a listener");
        }
        return Err(EINVAL.into());
    }
    let program = read_program(context, argument)?;
    let thread = context.thread;
    if thread.seccomp_mode.get() == Mode::Strict {
        return Err(EINVAL.into());
    }
    let before = thread.seccomp.borrow().clone();
    let new = Rc::new(Filter::new(program, before.clone())?);
    let others = schedule::threads_of(&context.process());
    if flags & TSYNC != 0 {
        let follows = |filter: &Option<Rc<Filter>>| match (filter, &before) {
            (None, _) => true,
            (Some(filter), Some(own)) => own.has(filter),
            (Some(_), None) => false,
        };
        let stranger =
            others.iter().find(|other| other.seccomp_mode.get() == Mode::Strict || !follows(&other.seccomp.borrow()));
        if let Some(stranger) = stranger {
            let number = kernel().tasks.shown(stranger.tid.0) as usize;
            return if flags & TSYNC_ESRCH != 0 { Err(ESRCH.into()) } else { Ok(number) };
        }
    }
    for other in others.iter().filter(|other| flags & TSYNC != 0 || Rc::ptr_eq(other, thread)) {
        other.seccomp_mode.set(Mode::Filter);
        let old = other.seccomp.replace(Some(new.clone()));
        drop(old);
    }
    Ok(0)
}
