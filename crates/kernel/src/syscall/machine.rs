//! What programs ask about the machine: its name, processors, memory, limits, randomness. The answers are the
//! sandbox's, not the host's.

use super::{Context, Outcome};
use crate::errno::{EFAULT, EINVAL, EPERM, ESRCH, Errno};
use crate::kernel;
use crate::task::capability::CAP_SYS_RESOURCE;
use crate::task::{Process, Tid};
use crate::user_memory::{UserAddr, UserPtr, copy_out, copy_out_partly, is_user};
use alloc::rc::Rc;

/// Processors the guest sees.
pub fn processors() -> usize {
    (kernel().launch.borrow().cpus_milli as usize).div_ceil(1000).max(1)
}

/// `uname(2)`.
pub fn uname(context: &mut Context<'_>, into: UserAddr) -> Outcome {
    /// `PER_LINUX32`, in the lower byte of a personality.
    const LINUX32: u32 = 8;
    let machine: &[u8] = if context.process().personality.get() & 0xff == LINUX32 { b"i686" } else { b"x86_64" };
    let mut names = [0u8; 6 * 65];
    let host = kernel().launch.borrow().hostname.clone();
    let fields: [&[u8]; 6] =
        [b"Linux", &host, b"6.1.0-catalyzer", b"#1 SMP PREEMPT_DYNAMIC Catalyzer", machine, b"(none)"];
    for (place, field) in names.chunks_exact_mut(65).zip(fields) {
        let len = field.len().min(64);
        place[..len].copy_from_slice(&field[..len]);
    }
    copy_out(into, &names)?;
    Ok(0)
}

/// `sysinfo(2)`.
pub fn sysinfo(context: &mut Context<'_>, into: UserAddr) -> Outcome {
    let limit = match kernel().launch.borrow().memory {
        0 => 8 << 30,
        limit => limit,
    };
    let used = context.process().space().sizes().1.min(limit);
    let tasks = kernel().tasks.threads.borrow().len() as u64;
    let uptime = crate::time::monotonic_ns() / 1_000_000_000;
    // `struct sysinfo`: uptime, three loads, total, free, shared, buffer, swap total, swap free, processes (16
    // bits), total high, free high, unit.
    let words = [uptime, 0, 0, 0, limit, limit - used, 0, 0, 0, 0, tasks & 0xffff, 0, 0, 1];
    for (index, word) in words.into_iter().enumerate() {
        UserPtr::<u64>::new(into.0).at(index).write(word)?;
    }
    Ok(0)
}

/// `getrandom(2)`. The host's randomness, straight: nothing of it is ever kept.
pub fn getrandom(_context: &mut Context<'_>, into: UserAddr, len: usize, flags: u32) -> Outcome {
    const GRND_RANDOM: u32 = 2;
    const GRND_INSECURE: u32 = 4;
    if flags & !7 != 0 || flags & (GRND_RANDOM | GRND_INSECURE) == GRND_RANDOM | GRND_INSECURE {
        return Err(EINVAL.into());
    }
    is_user(into, len.min(0x7fff_f000))?;
    let len = len.min(0x01ff_ffff);
    let mut piece = [0u8; 256];
    let mut done = 0;
    while done < len {
        let step = (len - done).min(piece.len());
        crate::host::random(&mut piece[..step])?;
        let copied = copy_out_partly(into.add(done as u64), &piece[..step])?;
        done += copied;
        if copied < step {
            return if done == 0 { Err(EFAULT.into()) } else { Ok(done) };
        }
    }
    Ok(len)
}

const RLIMIT_NOFILE: usize = 7;
const RLIMIT_CPU: usize = 0;

/// `getrlimit(2)`.
pub fn getrlimit(context: &mut Context<'_>, resource: u32, into: UserPtr<[u64; 2]>) -> Outcome {
    let (soft, hard) = *context.process().limits.borrow().get(resource as usize).ok_or(EINVAL)?;
    into.write([soft, hard])?;
    Ok(0)
}

/// `setrlimit(2)`.
pub fn setrlimit(context: &mut Context<'_>, resource: u32, from: UserPtr<[u64; 2]>) -> Outcome {
    if from.is_null() {
        return Err(EFAULT.into());
    }
    prlimit64(context, 0, resource, from, UserPtr::new(0))
}

/// The process whose limits a call names: 0 is the caller's.
fn limited(context: &Context<'_>, pid: i32) -> Result<Rc<Process>, Errno> {
    let own = context.process();
    let thread = match u32::try_from(pid).map_err(|_| ESRCH)? {
        0 => return Ok(own),
        number => kernel().thread(Tid(kernel().tasks.meant(number))).ok_or(ESRCH)?,
    };
    let target = thread.process();
    let (caller, other) = (own.credentials.borrow().clone(), target.credentials.borrow().clone());
    let same = other.uid[..3].iter().all(|uid| *uid == caller.uid[0])
        && other.gid[..3].iter().all(|gid| *gid == caller.gid[0]);
    if same || caller.is_capable(CAP_SYS_RESOURCE) { Ok(target) } else { Err(EPERM) }
}

/// `prlimit(2)`.
pub fn prlimit64(
    context: &mut Context<'_>,
    pid: i32,
    resource: u32,
    new: UserPtr<[u64; 2]>,
    old: UserPtr<[u64; 2]>,
) -> Outcome {
    /// `fs.nr_open`
    const MOST_FILES: u64 = 1 << 20;
    let new = new.non_null().map(UserPtr::read).transpose()?;
    let process = limited(context, pid)?;
    let resource = resource as usize;
    let before = *process.limits.borrow().get(resource).ok_or(EINVAL)?;
    if let Some([soft, hard]) = new {
        if soft > hard {
            return Err(EINVAL.into());
        }
        let may_raise = context.process().credentials.borrow().is_capable(CAP_SYS_RESOURCE);
        if resource == RLIMIT_NOFILE && hard > MOST_FILES || hard > before.1 && !may_raise {
            return Err(EPERM.into());
        }
        if resource == RLIMIT_NOFILE {
            process.descriptors().set_limit(soft as usize);
        }
        if let Some(limit) = process.limits.borrow_mut().get_mut(resource) {
            *limit = (soft, hard);
        }
        if resource == RLIMIT_CPU {
            process.timers.limit_cpu(&process);
        }
    }
    if let Some(old) = old.non_null() {
        old.write([before.0, before.1])?;
    }
    Ok(0)
}

/// `getrusage(2)`: CPU time of the host process or thread, or of children that were waited for.
pub fn getrusage(context: &mut Context<'_>, who: i32, into: UserPtr<u64>) -> Outcome {
    let used = match who {
        0 => crate::time::clock::process_cpu_ns(&context.process()),
        1 => crate::time::clock::thread_cpu_ns(context.thread),
        -1 => context.process().children_cpu_ns.get(),
        _ => return Err(EINVAL.into()),
    };
    let micros = used / 1000;
    let mut words = [0u64; 18];
    words[0] = micros / 1_000_000;
    words[1] = micros % 1_000_000;
    words[4] = context.process().space().sizes().0 / 1024;
    for (index, word) in words.into_iter().enumerate() {
        into.at(index).write(word)?;
    }
    Ok(0)
}
