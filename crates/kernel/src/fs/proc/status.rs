//! Texts that tell of a process.

use super::global::ticks;
use super::{cpus, shown};
use crate::kernel;
use crate::mm::region::{Backing, Region};
use crate::task::seccomp::Mode;
use crate::task::signal::Signal;
use crate::task::signal::actions::IGNORE;
use crate::task::{Process, Thread};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

fn parent(process: &Process) -> u32 {
    let parent = process.parent.get();
    kernel().tasks.processes.borrow().get(&parent).map_or(parent, |parent| shown(parent)).0
}

fn state(process: &Process, thread: &Thread) -> &'static str {
    if process.exit.get().is_some() {
        "Z (zombie)"
    } else if thread.is_waiting() {
        "S (sleeping)"
    } else {
        "R (running)"
    }
}

/// Pages that are charged to a process, and those that are mapped.
fn pages(process: &Process) -> (u64, u64) {
    let (charged, mapped) = process.space().sizes();
    (charged / 4096, mapped / 4096)
}

/// Index of `RLIMIT_SIGPENDING`.
const LIMIT_PENDING: usize = 11;

/// The signals that a process ignores, and those that it handles.
fn dispositions(process: &Process) -> (u64, u64) {
    let (mut ignored, mut caught) = (0, 0);
    for signal in (1..=64).map(Signal) {
        let action = process.signals.actions.get(signal);
        if action.is_handler() {
            caught |= signal.bit();
        } else if action.handler == IGNORE {
            ignored |= signal.bit();
        }
    }
    (ignored, caught)
}

/// The processors that a thread may run on: the first 64 as bits, and all as a list of ranges.
fn allowed_processors(thread: &Thread) -> (u64, String) {
    let schedule = thread.schedule.borrow();
    let count = cpus() as usize;
    let allowed = |processor: usize| processor < count && schedule.allows(processor);
    let mask = (0..64).filter(|processor| allowed(*processor)).fold(0, |mask, processor| mask | 1 << processor);
    let (mut list, mut at) = (String::new(), 0);
    while at < count {
        let end = (at..=count).find(|processor| !allowed(*processor)).unwrap_or(count);
        let separator = if list.is_empty() { "" } else { "," };
        let _ = match end - at {
            0 => Ok(()),
            1 => write!(list, "{separator}{at}"),
            _ => write!(list, "{separator}{at}-{}", end - 1),
        };
        at = end + 1;
    }
    (mask, list)
}

/// `status`.
pub fn status(process: &Rc<Process>, thread: &Rc<Thread>) -> Vec<u8> {
    let credentials = process.credentials.borrow();
    let (resident, mapped) = pages(process);
    let mut text = String::new();
    let pid = shown(process).0;
    let tid = if thread.tid.0 == process.pid.0 { pid } else { thread.tid.0 };
    let ids = |ids: [u32; 4]| alloc::format!("{}\t{}\t{}\t{}", ids[0], ids[1], ids[2], ids[3]);
    let name = thread.name.borrow();
    let _ = writeln!(text, "Name:\t{}", String::from_utf8_lossy(&name));
    let _ = writeln!(text, "Umask:\t{:04o}", process.fs().umask.get());
    let _ = writeln!(text, "State:\t{}", state(process, thread));
    let _ = writeln!(text, "Tgid:\t{pid}\nNgid:\t0\nPid:\t{tid}\nPPid:\t{}\nTracerPid:\t0", parent(process));
    let _ = writeln!(text, "Uid:\t{}\nGid:\t{}", ids(credentials.uid), ids(credentials.gid));
    let _ = writeln!(text, "FDSize:\t{}", process.descriptors().all().len().next_power_of_two().max(64));
    let _ = write!(text, "Groups:\t");
    for group in &credentials.groups {
        let _ = write!(text, "{group} ");
    }
    let _ = writeln!(
        text,
        "\nNStgid:\t{pid}\nNSpid:\t{tid}\nNSpgid:\t{}\nNSsid:\t{}",
        process.group.get().0,
        process.session.get().0
    );
    for (name, pages) in [
        ("VmPeak", mapped),
        ("VmSize", mapped),
        ("VmLck", process.space().locked_bytes() / 4096),
        ("VmPin", 0),
        ("VmHWM", resident),
        ("VmRSS", resident),
        ("RssAnon", resident),
        ("RssFile", 0),
        ("RssShmem", 0),
        ("VmData", resident),
        ("VmStk", 33),
        ("VmExe", 0),
        ("VmLib", 0),
        ("VmPTE", 0),
        ("VmSwap", 0),
    ] {
        let _ = writeln!(text, "{name}:\t{:>8} kB", pages * 4);
    }
    let _ = writeln!(text, "CoreDumping:\t0\nTHP_enabled:\t0\nThreads:\t{}", process.threads.borrow().len());
    let _ = writeln!(text, "SigQ:\t{}/{}", process.signals.queued.get(), process.limits.borrow()[LIMIT_PENDING].0);
    let mask = thread.signals.mask();
    let (own, shared) = (thread.signals.pending.set(), process.signals.pending.set());
    let _ = writeln!(text, "SigPnd:\t{own:016x}\nShdPnd:\t{shared:016x}\nSigBlk:\t{mask:016x}");
    let (ignored, caught) = dispositions(process);
    let _ = writeln!(text, "SigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}");
    let [effective, permitted, inheritable] = credentials.capabilities;
    let _ = writeln!(text, "CapInh:\t{inheritable:016x}\nCapPrm:\t{permitted:016x}\nCapEff:\t{effective:016x}");
    let _ = writeln!(text, "CapBnd:\t{:016x}\nCapAmb:\t{:016x}", credentials.bounding, credentials.ambient);
    let filters = thread.seccomp.borrow().as_ref().map_or(0, |filter| filter.depth());
    let mode = match thread.seccomp_mode.get() {
        Mode::Disabled => 0,
        Mode::Strict => 1,
        Mode::Filter => 2,
    };
    let _ = writeln!(
        text,
        "NoNewPrivs:\t{}\nSeccomp:\t{mode}\nSeccomp_filters:\t{filters}",
        u8::from(credentials.no_new_privileges)
    );
    let (mask, list) = allowed_processors(thread);
    let _ =
        writeln!(text, "Cpus_allowed:\t{mask:x}\nCpus_allowed_list:\t{list}\nMems_allowed:\t1\nMems_allowed_list:\t0");
    let _ = writeln!(text, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0");
    text.into_bytes()
}

/// `stat`.
pub fn stat(process: &Rc<Process>, thread: &Rc<Thread>) -> Vec<u8> {
    let pid = shown(process).0;
    let tid = if thread.tid.0 == process.pid.0 { pid } else { thread.tid.0 };
    let (resident, mapped) = pages(process);
    let state = state(process, thread).get(..1).unwrap_or("R");
    let name = thread.name.borrow();
    let schedule = thread.schedule.borrow();
    let priority = match schedule.is_real_time() {
        true => -1 - schedule.priority.cast_signed(),
        false => 20 + schedule.nice,
    };
    let mut text = alloc::format!(
        "{tid} ({}) {state} {} {} {} 0 -1 4194304 0 0 0 0 {} 0 {} 0 {priority} {} {} 0 {} {} {resident} 18446744073709551615",
        String::from_utf8_lossy(&name),
        parent(process),
        process.group.get().0,
        process.session.get().0,
        ticks(crate::time::clock::process_cpu_ns(process)),
        ticks(process.children_cpu_ns.get()),
        schedule.nice,
        process.threads.borrow().len(),
        ticks(process.started_ns.get()),
        mapped * 4096,
    );
    // From the addresses of the text to the exit code, 27 fields: of these the stack's start is told, the signal for the
    // parent, priority and policy.
    let _ = writeln!(
        text,
        " 0 0 {} 0 0 0 0 0 0 0 0 0 {} 0 {} {} 0 0 0 0 0 0 0 0 0 0 0",
        process.space().stack_end(),
        process.exit_signal.get(),
        schedule.priority,
        schedule.policy,
    );
    text.into_bytes()
}

/// `statm`.
pub fn statm(process: &Rc<Process>, _thread: &Rc<Thread>) -> Vec<u8> {
    let (resident, mapped) = pages(process);
    alloc::format!("{mapped} {resident} 0 0 0 {resident} 0\n").into_bytes()
}

fn map_line(region: &Region, text: &mut String) {
    let flag = |bit: u32, letter: char| if region.protection & bit != 0 { letter } else { '-' };
    let shared = matches!(region.backing, Backing::Shared(..));
    let (offset, device, inode) = match region.backing.file() {
        Some((file, offset)) => {
            let stat = file.object.stat().unwrap_or_default();
            (offset, stat.device, stat.inode)
        }
        None => {
            let segment = region.backing.object().and_then(|(object, ..)| crate::ipc::sysv::memory::map_name(object));
            segment.map_or((0, 0, 0), |(_, inode)| (0, 1, inode))
        }
    };
    let start = text.len();
    let _ = write!(
        text,
        "{:08x}-{:08x} {}{}{}{} {offset:08x} {:02x}:{:02x} {inode}",
        region.start,
        region.end(),
        flag(1, 'r'),
        flag(2, 'w'),
        flag(4, 'x'),
        if shared { 's' } else { 'p' },
        device >> 8,
        device & 0xff,
    );
    let name = region.name();
    if !name.is_empty() {
        // The name begins in the same column of each line.
        while text.len() - start < 72 {
            text.push(' ');
        }
        text.push(' ');
        text.push_str(&name);
    }
    text.push('\n');
}

/// `maps`.
pub fn maps(process: &Rc<Process>, _thread: &Rc<Thread>) -> Vec<u8> {
    let mut text = String::new();
    for region in process.space().regions() {
        map_line(&region, &mut text);
    }
    text.into_bytes()
}

fn sizes(len: u64, resident: u64, text: &mut String) {
    let _ = writeln!(
        text,
        "Size:           {:>8} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB",
        len / 1024
    );
    usage(resident, text);
}

fn usage(resident: u64, text: &mut String) {
    let kib = resident / 1024;
    for (name, kib) in [
        ("Rss:", kib),
        ("Pss:", kib),
        ("Shared_Clean:", 0),
        ("Shared_Dirty:", 0),
        ("Private_Clean:", 0),
        ("Private_Dirty:", kib),
        ("Referenced:", kib),
        ("Anonymous:", kib),
        ("LazyFree:", 0),
        ("AnonHugePages:", 0),
        ("Swap:", 0),
        ("SwapPss:", 0),
        ("Locked:", 0),
    ] {
        let _ = writeln!(text, "{name:<16}{kib:>8} kB");
    }
}

/// `smaps`: what is charged counts as resident.
pub fn smaps(process: &Rc<Process>, _thread: &Rc<Thread>) -> Vec<u8> {
    let mut text = String::new();
    for region in process.space().regions() {
        map_line(&region, &mut text);
        sizes(region.len, region.charge(), &mut text);
        text.push_str("VmFlags:\n");
    }
    text.into_bytes()
}

/// `smaps_rollup`.
pub fn smaps_rollup(process: &Rc<Process>, _thread: &Rc<Thread>) -> Vec<u8> {
    let regions = process.space().regions();
    let (first, last) = (regions.first().map_or(0, |region| region.start), regions.last().map_or(0, Region::end));
    let mut text = alloc::format!("{first:08x}-{last:08x} ---p 00000000 00:00 0                          [rollup]\n");
    usage(process.space().sizes().0, &mut text);
    text.into_bytes()
}

/// `limits`.
pub fn limits(process: &Rc<Process>, _thread: &Rc<Thread>) -> Vec<u8> {
    const NAMES: [(&str, &str); 16] = [
        ("Max cpu time", "seconds"),
        ("Max file size", "bytes"),
        ("Max data size", "bytes"),
        ("Max stack size", "bytes"),
        ("Max core file size", "bytes"),
        ("Max resident set", "bytes"),
        ("Max processes", "processes"),
        ("Max open files", "files"),
        ("Max locked memory", "bytes"),
        ("Max address space", "bytes"),
        ("Max file locks", "locks"),
        ("Max pending signals", "signals"),
        ("Max msgqueue size", "bytes"),
        ("Max nice priority", ""),
        ("Max realtime priority", ""),
        ("Max realtime timeout", "us"),
    ];
    let mut text = alloc::format!("{:<25} {:<20} {:<20} {:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    let shown = |limit: u64| if limit == u64::MAX { String::from("unlimited") } else { alloc::format!("{limit}") };
    for ((name, unit), (soft, hard)) in NAMES.iter().zip(process.limits.borrow().iter()) {
        let _ = writeln!(text, "{name:<25} {:<20} {:<20} {unit:<10}", shown(*soft), shown(*hard));
    }
    text.into_bytes()
}

/// Mounted file systems: target, kind, source, options. Their order gives the numbers of `Inode::mount_id`.
const MOUNTS: [(&str, &str, &str, &str); 6] = [
    ("/", "overlay", "overlay", "rw,relatime"),
    ("/proc", "proc", "proc", "rw,nosuid,nodev,noexec,relatime"),
    ("/dev", "tmpfs", "tmpfs", "rw,nosuid,relatime"),
    ("/sys", "sysfs", "sysfs", "ro,nosuid,nodev,noexec,relatime"),
    ("/sys/fs/cgroup", "cgroup2", "cgroup", "ro,nosuid,nodev,noexec,relatime"),
    ("/dev/shm", "tmpfs", "shm", "rw,nosuid,nodev,noexec,relatime"),
];

/// `mounts`.
pub fn mounts() -> Vec<u8> {
    let mut text = String::new();
    for (target, kind, source, options) in MOUNTS {
        let _ = writeln!(text, "{source} {target} {kind} {options} 0 0");
    }
    text.into_bytes()
}

/// `mountinfo`.
pub fn mount_information() -> Vec<u8> {
    let mut text = String::new();
    for (index, (target, kind, source, options)) in MOUNTS.iter().enumerate() {
        let (id, parent) = (index + 1, if index == 0 { 0 } else { 1 });
        let mode = options.get(..2).unwrap_or("rw");
        let _ = writeln!(text, "{id} {parent} 0:{} / {target} {options} - {kind} {source} {mode}", index + 32);
    }
    text.into_bytes()
}
