//! Scheduling calls: what a thread asks for is checked and kept, with Linux's privileges; the host decides where threads
//! run, and when.

use super::machine::processors;
use super::{Context, Outcome};
use crate::errno::{E2BIG, EACCES, EINVAL, EOPNOTSUPP, EPERM, ESRCH, Errno};
use crate::kernel;
use crate::task::capability::{CAP_SYS_ADMIN, CAP_SYS_NICE};
use crate::task::process::Credentials;
use crate::task::schedule::{self, BATCH, DEADLINE, FIFO, IDLE, OTHER, RR, Schedule};
use crate::task::{Pid, Process, Thread, Tid};
use crate::user_memory::{UserAddr, UserPtr, copy_in, copy_out};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Index of `RLIMIT_NICE` and `RLIMIT_RTPRIO`.
const LIMIT_NICE: usize = 13;
const LIMIT_PRIORITY: usize = 14;
/// `SCHED_RESET_ON_FORK` in a policy.
const RESET_ON_FORK: u32 = 0x4000_0000;
/// Flags of `sched_setattr(2)`.
const FLAG_RESET_ON_FORK: u64 = 1;
const FLAG_KEEP_POLICY: u64 = 8;
const FLAG_KEEP_PARAMETERS: u64 = 16;
const FLAG_CLAMPS: u64 = 32 | 64;
const FLAGS: u64 = 127;

/// The thread that a call names: 0 is the caller.
fn find(context: &Context<'_>, pid: i32) -> Result<Rc<Thread>, Errno> {
    match u32::try_from(pid).map_err(|_| ESRCH)? {
        0 => Ok(context.thread.clone()),
        number => kernel().thread(Tid(kernel().tasks.meant(number))).ok_or(ESRCH),
    }
}

/// As [`find`]; a negative number is no number.
fn find_valid(context: &Context<'_>, pid: i32) -> Result<Rc<Thread>, Errno> {
    if pid < 0 { Err(EINVAL) } else { find(context, pid) }
}

fn credentials(context: &Context<'_>) -> Credentials {
    context.process().credentials.borrow().clone()
}

/// Whether the caller's effective user is the owner of a process.
fn owns(caller: &Credentials, process: &Process) -> bool {
    let target = process.credentials.borrow();
    [target.uid[0], target.uid[1]].contains(&caller.uid[1])
}

/// Whether `RLIMIT_NICE` of a process allows a nice value.
fn nice_is_within_limit(process: &Process, nice: i32) -> bool {
    (20 - nice).max(0) as u64 <= process.limits.borrow()[LIMIT_NICE].0
}

/// What a thread is asked to become.
struct Wanted {
    policy: u32,
    priority: u32,
    nice: i32,
    reset_on_fork: bool,
    deadline: [u64; 3],
    keep_parameters: bool,
}

/// Checks as the scheduler of Linux does, and keeps it.
fn change(context: &Context<'_>, thread: &Rc<Thread>, wanted: &Wanted) -> Outcome {
    const SHORTEST_NS: u64 = 1024;
    let real_time = matches!(wanted.policy, FIFO | RR);
    if !matches!(wanted.policy, OTHER | FIFO | RR | BATCH | IDLE | DEADLINE) || wanted.priority > 99 {
        return Err(EINVAL.into());
    }
    let [run_time, deadline, period] = wanted.deadline;
    let period = if period == 0 { deadline } else { period };
    let fits = SHORTEST_NS <= run_time && run_time <= deadline && deadline <= period && period <= i64::MAX as u64;
    if wanted.policy == DEADLINE && !fits || real_time != (wanted.priority != 0) {
        return Err(EINVAL.into());
    }
    let (caller, process) = (credentials(context), thread.process());
    let now = thread.schedule.borrow().clone();
    if !caller.is_capable(CAP_SYS_NICE) {
        let limit = process.limits.borrow()[LIMIT_PRIORITY].0;
        let allowed = match wanted.policy {
            DEADLINE => false,
            FIFO | RR => {
                (wanted.policy == now.policy || limit != 0)
                    && (wanted.priority <= now.priority || u64::from(wanted.priority) <= limit)
            }
            _ => wanted.nice >= now.nice || nice_is_within_limit(&process, wanted.nice),
        };
        let leaves_idle = now.policy == IDLE && wanted.policy != IDLE && !nice_is_within_limit(&process, now.nice);
        if !allowed || leaves_idle || !owns(&caller, &process) || now.reset_on_fork && !wanted.reset_on_fork {
            return Err(EPERM.into());
        }
    }
    let mut schedule = thread.schedule.borrow_mut();
    schedule.reset_on_fork = wanted.reset_on_fork;
    if wanted.keep_parameters {
        return Ok(0);
    }
    schedule.set_policy(wanted.policy, wanted.priority);
    match wanted.policy {
        DEADLINE => schedule.deadline.store([run_time, deadline, period]),
        FIFO | RR => {}
        _ => schedule.nice = wanted.nice,
    }
    Ok(0)
}

fn wanted(now: &Schedule, policy: u32, priority: u32) -> Wanted {
    Wanted {
        policy,
        priority,
        nice: now.nice,
        reset_on_fork: now.reset_on_fork,
        deadline: [0; 3],
        keep_parameters: false,
    }
}

/// A priority as a number that is too large when it is negative.
fn priority_of(parameter: i32) -> u32 {
    u32::try_from(parameter).unwrap_or(u32::MAX)
}

/// `sched_setscheduler(2)`.
pub fn sched_setscheduler(context: &mut Context<'_>, pid: i32, policy: i32, parameters: UserPtr<i32>) -> Outcome {
    if policy < 0 || parameters.is_null() || pid < 0 {
        return Err(EINVAL.into());
    }
    let priority = priority_of(parameters.read()?);
    let thread = find(context, pid)?;
    let policy = policy.cast_unsigned();
    let mut wanted = wanted(&thread.schedule.borrow(), policy & !RESET_ON_FORK, priority);
    wanted.reset_on_fork = policy & RESET_ON_FORK != 0;
    change(context, &thread, &wanted)
}

/// `sched_setparam(2)`.
pub fn sched_setparam(context: &mut Context<'_>, pid: i32, parameters: UserPtr<i32>) -> Outcome {
    if parameters.is_null() || pid < 0 {
        return Err(EINVAL.into());
    }
    let priority = priority_of(parameters.read()?);
    let thread = find(context, pid)?;
    let now = thread.schedule.borrow().clone();
    change(context, &thread, &wanted(&now, now.policy, priority))
}

/// `sched_getscheduler(2)`.
pub fn sched_getscheduler(context: &mut Context<'_>, pid: i32) -> Outcome {
    let thread = find_valid(context, pid)?;
    let schedule = thread.schedule.borrow();
    Ok((schedule.policy | if schedule.reset_on_fork { RESET_ON_FORK } else { 0 }) as usize)
}

/// `sched_getparam(2)`.
pub fn sched_getparam(context: &mut Context<'_>, pid: i32, parameters: UserPtr<i32>) -> Outcome {
    if parameters.is_null() {
        return Err(EINVAL.into());
    }
    let priority = find_valid(context, pid)?.schedule.borrow().priority;
    parameters.write(priority.cast_signed())?;
    Ok(0)
}

/// `struct sched_attr`: size and policy, flags, nice and priority, run time, deadline and period, two clamps.
const ATTRIBUTES: usize = 56;
/// Its first version had no clamps.
const FIRST_ATTRIBUTES: usize = 48;

/// `sched_setattr(2)`.
pub fn sched_setattr(context: &mut Context<'_>, pid: i32, attributes: UserPtr<u32>, flags: u32) -> Outcome {
    if attributes.is_null() || pid < 0 || flags != 0 {
        return Err(EINVAL.into());
    }
    let size = match attributes.read()? as usize {
        0 => FIRST_ATTRIBUTES,
        size => size,
    };
    let mut bytes = [0u8; 4096];
    let known = (FIRST_ATTRIBUTES..=bytes.len()).contains(&size);
    if known {
        copy_in(&mut bytes[..size], attributes.address())?;
    }
    if !known || bytes[ATTRIBUTES..].iter().any(|byte| *byte != 0) {
        attributes.write(ATTRIBUTES as u32)?;
        return Err(E2BIG.into());
    }
    let word = |at: usize| crate::user_memory::from_bytes::<u32>(&bytes[at..at + 4]);
    let long = |at: usize| crate::user_memory::from_bytes::<u64>(&bytes[at..at + 8]);
    let flags = long(8);
    if flags & FLAG_CLAMPS != 0 && size < ATTRIBUTES || word(4).cast_signed() < 0 {
        return Err(EINVAL.into());
    }
    let thread = find(context, pid)?;
    let now = thread.schedule.borrow().clone();
    if flags & !FLAGS != 0 {
        return Err(EINVAL.into());
    }
    if flags & FLAG_CLAMPS != 0 {
        // As a kernel without utilisation clamping.
        return Err(EOPNOTSUPP.into());
    }
    let keep_parameters = flags & FLAG_KEEP_PARAMETERS != 0;
    let mut wanted = Wanted {
        policy: if flags & FLAG_KEEP_POLICY != 0 { now.policy } else { word(4) },
        priority: word(20),
        nice: word(16).cast_signed().clamp(-20, 19),
        reset_on_fork: flags & FLAG_RESET_ON_FORK != 0,
        deadline: [long(24), long(32), long(40)],
        keep_parameters,
    };
    if flags & FLAG_KEEP_POLICY != 0 {
        wanted.reset_on_fork = now.reset_on_fork;
    }
    if keep_parameters {
        (wanted.priority, wanted.nice, wanted.deadline) = (now.priority, now.nice, now.deadline.load());
    }
    change(context, &thread, &wanted)
}

/// `sched_getattr(2)`.
pub fn sched_getattr(context: &mut Context<'_>, pid: i32, attributes: UserAddr, size: usize, flags: u32) -> Outcome {
    if attributes.is_null() || pid < 0 || flags != 0 || !(FIRST_ATTRIBUTES..=4096).contains(&size) {
        return Err(EINVAL.into());
    }
    let thread = find(context, pid)?;
    let schedule = thread.schedule.borrow().clone();
    let told = size.min(ATTRIBUTES);
    let mut bytes = alloc::vec![0u8; size];
    let (nice, deadline) = match schedule.policy {
        FIFO | RR => (0, [0; 3]),
        DEADLINE => (0, schedule.deadline.load()),
        // Of a thread that has no deadline the run time tells its slice.
        _ => (schedule.nice, [0; 3]),
    };
    let flags = u64::from(schedule.reset_on_fork);
    let fields: [&[u8]; 6] = [
        &(told as u32).to_ne_bytes(),
        &schedule.policy.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &nice.to_ne_bytes(),
        &schedule.priority.to_ne_bytes(),
        crate::user_memory::bytes_of(&deadline),
    ];
    let mut at = 0;
    for field in fields {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
    if told == ATTRIBUTES {
        // No clamp from above.
        bytes[at + 4..at + 8].copy_from_slice(&1024u32.to_ne_bytes());
    }
    copy_out(attributes, &bytes)?;
    Ok(0)
}

/// `sched_rr_get_interval(2)`.
pub fn sched_rr_get_interval(context: &mut Context<'_>, pid: i32, interval: UserPtr<[i64; 2]>) -> Outcome {
    let policy = find_valid(context, pid)?.schedule.borrow().policy;
    let ns = match policy {
        FIFO | DEADLINE => 0,
        RR => 100_000_000,
        _ => 4_000_000,
    };
    interval.write([0, ns])?;
    Ok(0)
}

/// `sched_get_priority_max(2)`.
pub fn sched_get_priority_max(_context: &mut Context<'_>, policy: u32) -> Outcome {
    match policy {
        FIFO | RR => Ok(99),
        OTHER | BATCH | IDLE | DEADLINE | 7 => Ok(0),
        _ => Err(EINVAL.into()),
    }
}

/// `sched_get_priority_min(2)`.
pub fn sched_get_priority_min(context: &mut Context<'_>, policy: u32) -> Outcome {
    Ok(sched_get_priority_max(context, policy)?.min(1))
}

/// `sched_getaffinity(2)`: the processors the sandbox has, as far as the thread may use them.
pub fn sched_getaffinity(context: &mut Context<'_>, pid: i32, len: usize, mask: UserAddr) -> Outcome {
    let processors = processors();
    let bytes = processors.div_ceil(64) * 8;
    if len < bytes || !len.is_multiple_of(8) {
        return Err(EINVAL.into());
    }
    let thread = find(context, pid)?;
    let schedule = thread.schedule.borrow();
    let mut set = alloc::vec![0u8; bytes];
    for processor in (0..processors).filter(|processor| schedule.allows(*processor)) {
        set[processor / 8] |= 1 << (processor % 8);
    }
    copy_out(mask, &set)?;
    Ok(bytes)
}

/// `sched_setaffinity(2)`: kept and answered; the host decides where threads run.
pub fn sched_setaffinity(context: &mut Context<'_>, pid: i32, len: usize, mask: UserAddr) -> Outcome {
    let mut set = [0u8; 128];
    let len = len.min(set.len());
    copy_in(&mut set[..len], mask)?;
    let thread = find(context, pid)?;
    let caller = credentials(context);
    if !owns(&caller, &thread.process()) && !caller.is_capable(CAP_SYS_NICE) {
        return Err(EPERM.into());
    }
    let processors = processors();
    if !(0..processors.min(len * 8)).any(|cpu| set[cpu / 8] >> (cpu % 8) & 1 != 0) {
        return Err(EINVAL.into());
    }
    thread.schedule.borrow_mut().affinity = set[..processors.div_ceil(8).min(set.len())].to_vec();
    Ok(0)
}

/// `sched_yield(2)`.
pub fn sched_yield(_context: &mut Context<'_>) -> Outcome {
    crate::lock::released(crate::host::sched_yield);
    Ok(0)
}

/// `getcpu(2)`: which processor it is changes at any time; the first that the thread may use is as good an answer as any.
pub fn getcpu(context: &mut Context<'_>, cpu: UserPtr<u32>, node: UserPtr<u32>, _cache: UserAddr) -> Outcome {
    if let Some(cpu) = cpu.non_null() {
        let schedule = context.thread.schedule.borrow();
        let first = (0..processors()).find(|processor| schedule.allows(*processor)).unwrap_or(0);
        cpu.write(first as u32)?;
    }
    if let Some(node) = node.non_null() {
        node.write(0)?;
    }
    Ok(0)
}

/// Whom `setpriority(2)` and `ioprio_set(2)` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Thread,
    Group,
    User,
}

fn threads(context: &Context<'_>, whom: Whom, who: i32) -> Result<Vec<Rc<Thread>>, Errno> {
    if whom == Whom::Thread {
        return Ok(alloc::vec![find(context, who)?]);
    }
    let process = context.process();
    let number = match (whom, who) {
        (Whom::Group, 0) => process.group.get().0,
        (Whom::Group, number) => kernel().tasks.meant(number.cast_unsigned()),
        (_, 0) => process.credentials.borrow().uid[0],
        (_, number) => number.cast_unsigned(),
    };
    let concerned = |process: &Rc<Process>| match whom {
        Whom::Group => process.group.get() == Pid(number),
        _ => process.credentials.borrow().uid[0] == number,
    };
    let processes: Vec<_> =
        kernel().tasks.processes.borrow().values().filter(|process| concerned(process)).cloned().collect();
    let threads: Vec<_> = processes.iter().flat_map(|process| schedule::threads_of(process)).collect();
    if threads.is_empty() { Err(ESRCH) } else { Ok(threads) }
}

fn whom(which: i32) -> Result<Whom, Errno> {
    match which {
        0 => Ok(Whom::Thread),
        1 => Ok(Whom::Group),
        2 => Ok(Whom::User),
        _ => Err(EINVAL),
    }
}

/// `getpriority(2)`, in the form of the raw call: 20 less the nice value, the largest of all that are named.
pub fn getpriority(context: &mut Context<'_>, which: i32, who: i32) -> Outcome {
    let threads = threads(context, whom(which)?, who)?;
    let lowest = threads.iter().map(|thread| thread.schedule.borrow().nice).min().unwrap_or(0);
    Ok((20 - lowest) as usize)
}

/// `setpriority(2)`.
pub fn setpriority(context: &mut Context<'_>, which: i32, who: i32, nice: i32) -> Outcome {
    let nice = nice.clamp(-20, 19);
    let caller = credentials(context);
    let mut result = Ok(0);
    for thread in threads(context, whom(which)?, who)? {
        let process = thread.process();
        let capable = caller.is_capable(CAP_SYS_NICE);
        let may = {
            let target = process.credentials.borrow();
            [target.uid[0], target.uid[1]].contains(&caller.uid[1]) || target.uid[1] == caller.uid[0]
        };
        if !may && !capable {
            result = Err(EPERM.into());
        } else if nice < thread.schedule.borrow().nice && !capable && !nice_is_within_limit(&process, nice) {
            result = Err(EACCES.into());
        } else {
            thread.schedule.borrow_mut().nice = nice;
        }
    }
    result
}

const IO_CLASS_SHIFT: u32 = 13;

/// `ioprio_get(2)`.
pub fn ioprio_get(context: &mut Context<'_>, which: i32, who: i32) -> Outcome {
    let threads = threads(context, whom(which.wrapping_sub(1))?, who)?;
    let of = |thread: &Rc<Thread>| usize::from(thread.schedule.borrow().io_priority);
    // The best of several; none at all counts as the middle of best effort.
    let rank = |priority: usize| if priority >> IO_CLASS_SHIFT == 0 { 2 << IO_CLASS_SHIFT | 4 } else { priority };
    match threads.as_slice() {
        [only] => Ok(of(only)),
        all => Ok(all.iter().map(of).map(rank).min().unwrap_or(0)),
    }
}

/// `ioprio_set(2)`.
pub fn ioprio_set(context: &mut Context<'_>, which: i32, who: i32, priority: i32) -> Outcome {
    let value = u16::try_from(priority & 0xffff).map_err(|_| EINVAL)?;
    let caller = credentials(context);
    match value >> IO_CLASS_SHIFT {
        0 if value & 7 != 0 => return Err(EINVAL.into()),
        1 if !caller.is_capable(CAP_SYS_NICE) && !caller.is_capable(CAP_SYS_ADMIN) => return Err(EPERM.into()),
        0..=3 => {}
        _ => return Err(EINVAL.into()),
    }
    for thread in threads(context, whom(which.wrapping_sub(1))?, who)? {
        let target = thread.process();
        let own = [caller.uid[0], caller.uid[1]].contains(&target.credentials.borrow().uid[0]);
        if !own && !caller.is_capable(CAP_SYS_NICE) {
            return Err(EPERM.into());
        }
        thread.schedule.borrow_mut().io_priority = value;
    }
    Ok(0)
}
