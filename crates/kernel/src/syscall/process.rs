//! Processes: who one is, groups and sessions, `arch_prctl`.

use super::{Context, Outcome};
use crate::entry;
use crate::errno::{EACCES, EINVAL, ENODEV, EPERM, ESRCH};
use crate::kernel;
use crate::task::{Pid, Process};
use crate::user_memory::{UserAddr, UserPtr};
use abi::layout::GUEST_END;
use alloc::rc::Rc;

/// `getpid(2)`. After a boot from an image a process of it has a number of this instance, so that generators of random
/// numbers that look at it notice; the old number stays valid wherever a process is named.
pub fn getpid(context: &mut Context<'_>) -> Outcome {
    let process = context.process();
    process.knows_second_number.set(true);
    Ok(kernel().tasks.shown(process.pid.0) as usize)
}

/// `getppid(2)`. Children compare it with what their parent took for its own number: the one from before the image,
/// unless the parent has asked again when the child was born.
pub fn getppid(context: &mut Context<'_>) -> Outcome {
    let process = context.process();
    let parent = process.parent.get().0;
    Ok(if process.parent_is_second.get() { kernel().tasks.shown(parent) } else { parent } as usize)
}

/// The process of a number, the instance's own included; 0 is the caller's.
fn named(context: &Context<'_>, pid: u32) -> Result<Rc<Process>, super::Stop> {
    let pid = kernel().tasks.meant(pid);
    if pid == 0 {
        return Ok(context.process());
    }
    kernel().tasks.processes.borrow().get(&Pid(pid)).cloned().ok_or(ESRCH.into())
}

/// `getpgid(2)`.
pub fn getpgid(context: &mut Context<'_>, pid: u32) -> Outcome {
    Ok(named(context, pid)?.group.get().0 as usize)
}

/// `getpgrp(2)`.
pub fn getpgrp(context: &mut Context<'_>) -> Outcome {
    Ok(context.process().group.get().0 as usize)
}

/// `getsid(2)`.
pub fn getsid(context: &mut Context<'_>, pid: u32) -> Outcome {
    Ok(named(context, pid)?.session.get().0 as usize)
}

/// `setpgid(2)`: of the caller, or of a child that has not executed a program yet.
pub fn setpgid(context: &mut Context<'_>, pid: u32, group: u32) -> Outcome {
    if (group as i32) < 0 {
        return Err(EINVAL.into());
    }
    let caller = context.process();
    let process = named(context, pid)?;
    if !Rc::ptr_eq(&process, &caller) {
        if process.parent.get() != caller.pid || process.is_zombie() {
            return Err(ESRCH.into());
        }
        if process.session.get() != caller.session.get() {
            return Err(EPERM.into());
        }
        if process.has_executed.get() {
            return Err(EACCES.into());
        }
    }
    let group = if group == 0 { process.pid } else { Pid(kernel().tasks.meant(group)) };
    if process.session.get() == process.pid {
        return Err(EPERM.into());
    }
    let session = caller.session.get();
    let exists = kernel()
        .tasks
        .processes
        .borrow()
        .values()
        .any(|other| other.group.get() == group && other.session.get() == session);
    if group != process.pid && !exists {
        return Err(EPERM.into());
    }
    process.group.set(group);
    Ok(0)
}

/// `setsid(2)`.
pub fn setsid(context: &mut Context<'_>) -> Outcome {
    let process = context.process();
    let leads = kernel().tasks.processes.borrow().values().any(|other| other.group.get() == process.pid);
    if leads {
        return Err(EPERM.into());
    }
    process.group.set(process.pid);
    process.session.set(process.pid);
    Ok(process.pid.0 as usize)
}

/// `arch_prctl(2)`. `GS` is the kernel's.
pub fn arch_prctl(_context: &mut Context<'_>, operation: u32, address: u64) -> Outcome {
    const ARCH_SET_GS: u32 = 0x1001;
    const ARCH_SET_FS: u32 = 0x1002;
    const ARCH_GET_FS: u32 = 0x1003;
    const ARCH_GET_GS: u32 = 0x1004;
    match operation {
        ARCH_SET_FS if address < GUEST_END => entry::set_fs_base(address),
        ARCH_SET_FS => return Err(EPERM.into()),
        ARCH_GET_FS => UserPtr::<u64>::new(address).write(entry::fs_base())?,
        ARCH_GET_GS => UserPtr::<u64>::new(address).write(0)?,
        ARCH_SET_GS => {
            kernel().note_unsupported("arch_prctl(ARCH_SET_GS)");
            return Err(EPERM.into());
        }
        // CPUID faulting and shadow stacks: as on a processor without them.
        0x1012 => return Err(ENODEV.into()),
        _ => return Err(EINVAL.into()),
    }
    Ok(0)
}

/// `personality(2)`: `PER_LINUX`, which is all there is.
pub fn personality(_context: &mut Context<'_>, _persona: u32) -> Outcome {
    Ok(0)
}

/// `sethostname(2)` and `setdomainname(2)`: the name is given from outside.
pub fn sethostname(_context: &mut Context<'_>, _name: UserAddr, _len: usize) -> Outcome {
    Err(EPERM.into())
}
