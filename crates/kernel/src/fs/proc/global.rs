//! Files of `/proc` that tell of the whole sandbox.

use super::nodes::{add_directory, add_fixed, add_link, add_text, directory as new_directory};
use super::sys::{RELEASE, VERSION};
use super::{cpus, memory};
use crate::fs::inode::{Inode, PROC_DEVICE};
use crate::kernel;
use crate::time::monotonic_ns;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

const FILESYSTEMS: &str =
    "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tpipefs\nnodev\tsockfs\nnodev\toverlay\n";

/// Names of the kinds of file systems, in the order of `/proc/filesystems`.
pub fn file_system_kinds() -> impl Iterator<Item = &'static str> {
    FILESYSTEMS.lines().filter_map(|line| line.split('\t').nth(1))
}

/// The part of `/proc` that is the same for everybody.
pub fn directory() -> Rc<Inode> {
    let root = new_directory(PROC_DEVICE);
    add_text(&root, "meminfo", memory_information);
    add_text(&root, "cpuinfo", cpu_information);
    add_text(&root, "stat", statistics);
    add_text(&root, "uptime", uptime);
    add_text(&root, "loadavg", load);
    add_text(&root, "version", version);
    add_fixed(&root, "filesystems", FILESYSTEMS);
    add_fixed(&root, "cmdline", "catalyzer\n");
    add_fixed(&root, "devices", "Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n");
    add_fixed(&root, "swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    add_fixed(&root, "modules", "");
    add_text(&root, "vmstat", || b"nr_free_pages 0\npgfault 0\npgmajfault 0\n".to_vec());
    add_link(&root, "mounts", "self/mounts");
    add_link(&root, "net", "self/net");
    add_text(&root, "sys/kernel/hostname", || {
        let mut name = kernel().launch.borrow().hostname.clone();
        name.push(b'\n');
        name
    });
    add_fixed(&root, "sys/kernel/domainname", "(none)\n");
    add_fixed(&root, "sys/kernel/ostype", "Linux\n");
    add_text(&root, "sys/kernel/osrelease", || format!("{RELEASE}\n").into_bytes());
    add_text(&root, "sys/kernel/version", || format!("{VERSION}\n").into_bytes());
    add_fixed(&root, "sys/kernel/pid_max", "4194304\n");
    add_text(&root, "sys/kernel/threads-max", || {
        let limit = kernel().launch.borrow().pids;
        format!("{}\n", if limit == 0 { 126_000 } else { limit }).into_bytes()
    });
    add_fixed(&root, "sys/kernel/cap_last_cap", "40\n");
    add_fixed(&root, "sys/kernel/ngroups_max", "65536\n");
    add_fixed(&root, "sys/kernel/core_pattern", "\n");
    add_fixed(&root, "sys/kernel/core_uses_pid", "0\n");
    add_fixed(&root, "sys/kernel/randomize_va_space", "2\n");
    add_fixed(&root, "sys/kernel/overflowuid", "65534\n");
    add_fixed(&root, "sys/kernel/overflowgid", "65534\n");
    add_fixed(&root, "sys/kernel/perf_event_paranoid", "4\n");
    add_fixed(&root, "sys/kernel/shmmax", "18446744073692774399\n");
    add_fixed(&root, "sys/kernel/shmall", "18446744073692774399\n");
    add_fixed(&root, "sys/kernel/seccomp/actions_avail", "\n");
    add_text(&root, "sys/kernel/random/boot_id", boot_id);
    add_text(&root, "sys/kernel/random/uuid", || identifier(random_bytes()));
    add_fixed(&root, "sys/kernel/random/entropy_avail", "256\n");
    add_fixed(&root, "sys/kernel/random/poolsize", "256\n");
    add_fixed(&root, "sys/vm/overcommit_memory", "0\n");
    add_fixed(&root, "sys/vm/overcommit_ratio", "50\n");
    add_fixed(&root, "sys/vm/max_map_count", "65530\n");
    add_fixed(&root, "sys/vm/mmap_min_addr", "65536\n");
    add_fixed(&root, "sys/vm/swappiness", "60\n");
    add_fixed(&root, "sys/fs/file-max", "9223372036854775807\n");
    add_fixed(&root, "sys/fs/nr_open", "1048576\n");
    add_fixed(&root, "sys/fs/pipe-max-size", "1048576\n");
    add_fixed(&root, "sys/fs/protected_hardlinks", "1\n");
    add_fixed(&root, "sys/fs/protected_symlinks", "0\n");
    add_fixed(&root, "sys/fs/protected_regular", "0\n");
    add_fixed(&root, "sys/fs/protected_fifos", "0\n");
    add_fixed(&root, "sys/fs/inotify/max_queued_events", "16384\n");
    add_fixed(&root, "sys/fs/inotify/max_user_instances", "128\n");
    add_fixed(&root, "sys/fs/inotify/max_user_watches", "65536\n");
    add_fixed(&root, "sys/net/core/somaxconn", "4096\n");
    add_fixed(&root, "sys/net/core/rmem_max", "212992\n");
    add_fixed(&root, "sys/net/core/wmem_max", "212992\n");
    add_fixed(&root, "sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    add_fixed(&root, "sys/net/ipv4/tcp_max_syn_backlog", "512\n");
    add_fixed(&root, "sys/net/ipv6/conf/all/disable_ipv6", "0\n");
    add_text(&root, "sysvipc/msg", crate::ipc::sysv::messages::listing);
    add_text(&root, "sysvipc/sem", crate::ipc::sysv::semaphores::listing);
    add_text(&root, "sysvipc/shm", crate::ipc::sysv::memory::listing);
    add_fixed(&root, "sys/kernel/shmmax", "18446744073692774399\n");
    add_fixed(&root, "sys/kernel/shmall", "18446744073692774399\n");
    add_fixed(&root, "sys/kernel/shmmni", "4096\n");
    add_fixed(&root, "sys/kernel/shm_rmid_forced", "0\n");
    add_fixed(&root, "sys/kernel/msgmax", "8192\n");
    add_fixed(&root, "sys/kernel/msgmnb", "16384\n");
    add_fixed(&root, "sys/kernel/msgmni", "32000\n");
    add_fixed(&root, "sys/kernel/sem", "32000\t1024000000\t500\t32000\n");
    add_fixed(&root, "sys/fs/mqueue/msg_default", "10\n");
    add_fixed(&root, "sys/fs/mqueue/msg_max", "10\n");
    add_fixed(&root, "sys/fs/mqueue/msgsize_default", "8192\n");
    add_fixed(&root, "sys/fs/mqueue/msgsize_max", "8192\n");
    add_fixed(&root, "sys/fs/mqueue/queues_max", "256\n");
    add_directory(&root, "tty");
    add_directory(&root, "irq");
    root
}

fn memory_information() -> Vec<u8> {
    let total = memory() / 1024;
    let (_, pages) = kernel().fs.space();
    let mut used = pages * 4;
    for process in kernel().tasks.processes.borrow().values() {
        used += process.space().sizes().0 / 1024;
    }
    let free = total.saturating_sub(used);
    let mut text = String::new();
    for (name, kib) in [
        ("MemTotal:", total),
        ("MemFree:", free),
        ("MemAvailable:", free),
        ("Buffers:", 0),
        ("Cached:", pages * 4),
        ("SwapCached:", 0),
        ("Active:", used),
        ("Inactive:", 0),
        ("SwapTotal:", 0),
        ("SwapFree:", 0),
        ("Dirty:", 0),
        ("Writeback:", 0),
        ("AnonPages:", used),
        ("Mapped:", 0),
        ("Shmem:", pages * 4),
        ("Slab:", 0),
        ("SReclaimable:", 0),
        ("CommitLimit:", total),
        ("Committed_AS:", used),
        ("VmallocTotal:", 34_359_738_367),
        ("VmallocUsed:", 0),
        ("HugePages_Total:", 0),
        ("HugePages_Free:", 0),
        ("Hugepagesize:", 2048),
    ] {
        let unit = if name.starts_with("HugePages") { "" } else { " kB" };
        let _ = writeln!(text, "{name:<16}{kib:>8}{unit}");
    }
    text.into_bytes()
}

fn cpu_information() -> Vec<u8> {
    let mut text = String::new();
    let count = cpus();
    for cpu in 0..count {
        let _ = write!(
            text,
            "processor\t: {cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Catalyzer virtual CPU\n\
             stepping\t: 1\ncpu MHz\t\t: 2000.000\ncache size\t: 32768 KB\nphysical id\t: 0\nsiblings\t: {count}\n\
             core id\t\t: {cpu}\ncpu cores\t: {count}\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\n\
             flags\t\t: fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx lm constant_tsc rep_good nopl cx16\nbogomips\t: 4000.00\n\
             clflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 bits virtual\n\n"
        );
    }
    text.into_bytes()
}

/// Hundredths of a second.
pub(super) const fn ticks(ns: u64) -> u64 {
    ns / 10_000_000
}

fn statistics() -> Vec<u8> {
    let busy = ticks(crate::host::clock_gettime(2).unwrap_or(0));
    let idle = ticks(monotonic_ns()).saturating_mul(u64::from(cpus())).saturating_sub(busy);
    let mut text = format!("cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\n");
    for cpu in 0..cpus() {
        let count = u64::from(cpus());
        let _ = writeln!(text, "cpu{cpu} {} 0 0 {} 0 0 0 0 0 0", busy / count, idle / count);
    }
    let started = crate::time::realtime_ns().saturating_sub(monotonic_ns()) / 1_000_000_000;
    let processes = kernel().tasks.next_tid.get();
    let _ = write!(
        text,
        "intr 0\nctxt 0\nbtime {started}\nprocesses {processes}\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n"
    );
    text.into_bytes()
}

fn uptime() -> Vec<u8> {
    let hundredths = ticks(monotonic_ns());
    let (seconds, rest) = (hundredths / 100, hundredths % 100);
    format!("{seconds}.{rest:02} {seconds}.{rest:02}\n").into_bytes()
}

fn load() -> Vec<u8> {
    let threads = kernel().tasks.threads.borrow().len();
    let last = kernel().tasks.next_tid.get().saturating_sub(1);
    format!("0.00 0.00 0.00 1/{threads} {last}\n").into_bytes()
}

fn version() -> Vec<u8> {
    format!("Linux version {RELEASE} (catalyzer) {VERSION}\n").into_bytes()
}

fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    // Without random bytes of the host it is a number that is the same for all; nothing secret rests on it.
    let _ = crate::host::random(&mut bytes);
    bytes
}

/// A random UUID's text.
fn identifier(mut bytes: [u8; 16]) -> Vec<u8> {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text.into_bytes()
}

/// The same for as long as an instance lives, and different in each.
fn boot_id() -> Vec<u8> {
    let generation = crate::local::boot_page().generation;
    let mut known = kernel().fs.boot_id.borrow_mut();
    if known.0 != generation || known.1.is_empty() {
        *known = (generation, identifier(random_bytes()));
    }
    known.1.clone()
}
