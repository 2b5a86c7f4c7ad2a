//! What programs ask about the machine: its name, processors, memory, limits, randomness. The answers are the
//! sandbox's, not the host's.

use super::{Context, Outcome};
use crate::errno::{EFAULT, EINVAL, EPERM, ESRCH};
use crate::kernel;
use crate::user_memory::{UserAddr, UserPtr, copy_out};

/// Processors the guest sees.
pub fn processors() -> usize {
    (kernel().launch.borrow().cpus_milli as usize).div_ceil(1000).max(1)
}

/// `uname(2)`.
pub fn uname(_context: &mut Context<'_>, into: UserAddr) -> Outcome {
    let mut names = [0u8; 6 * 65];
    let host = kernel().launch.borrow().hostname.clone();
    let fields: [&[u8]; 6] =
        [b"Linux", &host, b"6.1.0-catalyzer", b"#1 SMP PREEMPT_DYNAMIC Catalyzer", b"x86_64", b"(none)"];
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
    let len = len.min(0x01ff_ffff);
    let mut piece = [0u8; 256];
    let mut done = 0;
    while done < len {
        let step = (len - done).min(piece.len());
        crate::host::random(&mut piece[..step])?;
        if copy_out(into.add(done as u64), &piece[..step]).is_err() {
            return if done == 0 { Err(EFAULT.into()) } else { Ok(done) };
        }
        done += step;
    }
    Ok(len)
}

/// A thread that a scheduling call names: 0 is the caller.
fn exists(context: &Context<'_>, pid: i32) -> Result<(), super::Stop> {
    match u32::try_from(pid) {
        Ok(0) => Ok(()),
        Ok(tid) if kernel().thread(crate::task::Tid(kernel().tasks.meant(tid))).is_some() => Ok(()),
        Ok(tid) if kernel().tasks.meant(tid) == context.process().pid.0 => Ok(()),
        Ok(_) => Err(ESRCH.into()),
        Err(_) => Err(EINVAL.into()),
    }
}

/// `sched_getaffinity(2)`: as many processors as the sandbox has.
pub fn sched_getaffinity(context: &mut Context<'_>, pid: i32, len: usize, mask: UserAddr) -> Outcome {
    exists(context, pid)?;
    let processors = processors();
    let bytes = processors.div_ceil(64) * 8;
    if len < bytes || !len.is_multiple_of(8) {
        return Err(EINVAL.into());
    }
    for index in 0..bytes / 8 {
        let left = processors - index * 64;
        let word = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
        UserPtr::<u64>::new(mask.0).at(index).write(word)?;
    }
    Ok(bytes)
}

/// `sched_setaffinity(2)`: checked; the host decides where threads run.
pub fn sched_setaffinity(context: &mut Context<'_>, pid: i32, len: usize, mask: UserAddr) -> Outcome {
    exists(context, pid)?;
    let mut bytes = [0u8; 128];
    let len = len.min(bytes.len());
    crate::user_memory::copy_in(&mut bytes[..len], mask)?;
    let any = (0..processors().min(len * 8)).any(|cpu| bytes[cpu / 8] >> (cpu % 8) & 1 != 0);
    if any { Ok(0) } else { Err(EINVAL.into()) }
}

/// `sched_yield(2)`.
pub fn sched_yield(_context: &mut Context<'_>) -> Outcome {
    crate::lock::released(crate::host::sched_yield);
    Ok(0)
}

/// `sched_getscheduler(2)`: `SCHED_OTHER`.
pub fn sched_getscheduler(context: &mut Context<'_>, pid: i32) -> Outcome {
    exists(context, pid)?;
    Ok(0)
}

/// `sched_setscheduler(2)`: only `SCHED_OTHER`, `SCHED_BATCH` and `SCHED_IDLE` with priority 0, which change nothing.
pub fn sched_setscheduler(context: &mut Context<'_>, pid: i32, policy: u32, parameters: UserPtr<i32>) -> Outcome {
    exists(context, pid)?;
    let priority = parameters.read()?;
    match policy & !0x4000_0000 {
        0 | 3 | 5 if priority == 0 => Ok(0),
        1 | 2 if (1..=99).contains(&priority) => Err(EPERM.into()),
        _ => Err(EINVAL.into()),
    }
}

/// `sched_getparam(2)`.
pub fn sched_getparam(context: &mut Context<'_>, pid: i32, parameters: UserPtr<i32>) -> Outcome {
    exists(context, pid)?;
    parameters.write(0)?;
    Ok(0)
}

/// `sched_setparam(2)`.
pub fn sched_setparam(context: &mut Context<'_>, pid: i32, parameters: UserPtr<i32>) -> Outcome {
    sched_setscheduler(context, pid, 0, parameters)
}

/// `sched_get_priority_max(2)`.
pub fn sched_get_priority_max(_context: &mut Context<'_>, policy: u32) -> Outcome {
    match policy {
        1 | 2 => Ok(99),
        0 | 3 | 5 | 6 => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `sched_get_priority_min(2)`.
pub fn sched_get_priority_min(_context: &mut Context<'_>, policy: u32) -> Outcome {
    match policy {
        1 | 2 => Ok(1),
        0 | 3 | 5 | 6 => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `getcpu(2)`: which processor it is changes at any time; the first is as good an answer as any.
pub fn getcpu(_context: &mut Context<'_>, cpu: UserPtr<u32>, node: UserPtr<u32>, _cache: UserAddr) -> Outcome {
    if let Some(cpu) = cpu.non_null() {
        cpu.write(0)?;
    }
    if let Some(node) = node.non_null() {
        node.write(0)?;
    }
    Ok(0)
}

/// `getpriority(2)`: nice 0, in the form of the raw call.
pub fn getpriority(_context: &mut Context<'_>, which: u32, _who: u32) -> Outcome {
    if which > 2 { Err(EINVAL.into()) } else { Ok(20) }
}

/// `setpriority(2)`: accepted downwards; has no effect.
pub fn setpriority(_context: &mut Context<'_>, which: u32, _who: u32, _nice: i32) -> Outcome {
    if which > 2 { Err(EINVAL.into()) } else { Ok(0) }
}

const RLIMIT_NOFILE: usize = 7;
const LIMITS: usize = 16;

/// `getrlimit(2)`.
pub fn getrlimit(context: &mut Context<'_>, resource: usize, into: UserPtr<[u64; 2]>) -> Outcome {
    let (soft, hard) = *context.process().limits.borrow().get(resource).ok_or(EINVAL)?;
    into.write([soft, hard])?;
    Ok(0)
}

/// `setrlimit(2)`.
pub fn setrlimit(context: &mut Context<'_>, resource: usize, from: UserPtr<[u64; 2]>) -> Outcome {
    prlimit64(context, 0, resource, from, UserPtr::new(0))
}

/// `prlimit(2)`.
pub fn prlimit64(
    context: &mut Context<'_>,
    pid: i32,
    resource: usize,
    new: UserPtr<[u64; 2]>,
    old: UserPtr<[u64; 2]>,
) -> Outcome {
    exists(context, pid)?;
    let process = context.process();
    if resource >= LIMITS {
        return Err(EINVAL.into());
    }
    let before = process.limits.borrow()[resource];
    if let Some(new) = new.non_null() {
        let [soft, hard] = new.read()?;
        if soft > hard {
            return Err(EINVAL.into());
        }
        const CAP_SYS_RESOURCE: u32 = 24;
        if hard > before.1 && !process.credentials.borrow().is_capable(CAP_SYS_RESOURCE) {
            return Err(EPERM.into());
        }
        if resource == RLIMIT_NOFILE {
            // `fs.nr_open`
            if hard > 1 << 20 {
                return Err(EPERM.into());
            }
            process.descriptors().set_limit(soft as usize);
        }
        process.limits.borrow_mut()[resource] = (soft, hard);
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
