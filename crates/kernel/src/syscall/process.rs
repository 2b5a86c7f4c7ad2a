//! Processes: who one is, groups and sessions, `arch_prctl`.

use super::arguments::Fd;
use super::{Context, Outcome};
use crate::entry;
use crate::errno::{EACCES, EBADF, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EPERM, ESRCH, Errno};
use crate::kernel;
use crate::task::{Pid, Process, Tid};
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

/// `getppid(2)`. Children compare it with what their parent took for its own number. That is mostly the one from before
/// the image; who asks for a signal at its parent's end (`PR_SET_PDEATHSIG`) compares with what the parent has just asked
/// for, to know whether it is too late.
pub fn getppid(context: &mut Context<'_>) -> Outcome {
    let process = context.process();
    let parent = process.parent.get().0;
    let second =
        process.parent_is_second.get() && process.flags.borrow().contains_key(&crate::task::exit::PR_SET_PDEATHSIG);
    Ok(if second { kernel().tasks.shown(parent) } else { parent } as usize)
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

/// `personality(2)`: kept and answered; what has an effect is said in the table.
pub fn personality(context: &mut Context<'_>, persona: u32) -> Outcome {
    const QUERY: u32 = u32::MAX;
    let process = context.process();
    let before = process.personality.get();
    if persona != QUERY {
        process.personality.set(persona);
    }
    Ok(before as usize)
}

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SYSVSEM: u64 = 0x4_0000;
/// `CLONE_NEWTIME`, `NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID`, `NEWNET`.
const NAMESPACES: u64 = 0x80 | 0x2_0000 | 0x7e00_0000;

/// `unshare(2)`.
pub fn unshare(context: &mut Context<'_>, flags: u64) -> Outcome {
    let known = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | NAMESPACES;
    if flags & !known != 0 {
        return Err(EINVAL.into());
    }
    let process = context.process();
    let alone = process.threads.borrow().len() == 1;
    if flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) != 0 && !alone
        || flags & CLONE_VM != 0 && process.shares_memory()
    {
        return Err(EINVAL.into());
    }
    if flags & NAMESPACES != 0 {
        return Err(EPERM.into());
    }
    if !alone && flags & (CLONE_FS | CLONE_FILES) != 0 {
        // Threads here share with their process: one alone can't leave.
        kernel().note_unsupported("unshare by one of several threads");
        return Err(ENOMEM.into());
    }
    if flags & CLONE_FILES != 0 {
        let own = process.descriptors().copy();
        *process.descriptors.borrow_mut() = own;
    }
    if flags & CLONE_FS != 0 {
        let own = process.fs().copy();
        *process.fs.borrow_mut() = own;
    }
    Ok(0)
}

/// `kcmp(2)`.
pub fn kcmp(context: &mut Context<'_>, first: i32, second: i32, kind: i32, left: u64, right: u64) -> Outcome {
    let find = |pid: i32| {
        let number = u32::try_from(pid).map_err(|_| ESRCH)?;
        kernel().thread(Tid(kernel().tasks.meant(number))).map(|thread| thread.process()).ok_or(ESRCH)
    };
    let (one, other) = (find(first)?, find(second)?);
    if !super::pidfds::may_look_into(context, &one) || !super::pidfds::may_look_into(context, &other) {
        return Err(EPERM.into());
    }
    let file = |process: &Process, number: u64| {
        let fd = i32::try_from(number).map_err(|_| EBADF)?;
        Ok::<_, Errno>(Rc::as_ptr(&process.descriptors().get(Fd(fd))?).addr())
    };
    let pair = match kind {
        0 => (file(&one, left)?, file(&other, right)?),
        1 => (one.space().number as usize, other.space().number as usize),
        2 => (Rc::as_ptr(&one.descriptors()).addr(), Rc::as_ptr(&other.descriptors()).addr()),
        3 => (Rc::as_ptr(&one.fs()).addr(), Rc::as_ptr(&other.fs()).addr()),
        4 => (one.pid.0 as usize, other.pid.0 as usize),
        // Contexts of I/O and lists of semaphores to be undone: nobody has one.
        5 | 6 => (0, 0),
        7 => return Err(EOPNOTSUPP.into()),
        _ => return Err(EINVAL.into()),
    };
    Ok(match pair.0.cmp(&pair.1) {
        core::cmp::Ordering::Equal => 0,
        core::cmp::Ordering::Less => 1,
        core::cmp::Ordering::Greater => 2,
    })
}

/// `sethostname(2)` and `setdomainname(2)`: the name is given from outside.
pub fn sethostname(_context: &mut Context<'_>, _name: UserAddr, _len: usize) -> Outcome {
    Err(EPERM.into())
}
