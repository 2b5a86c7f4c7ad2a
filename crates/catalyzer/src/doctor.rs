//! `catalyzer doctor`: what this host offers, what is missing, and what that costs.
//!
//! Nothing is concluded from version numbers: each feature is tried, in a child process where trying
//! would change this one.

use crate::exit::Status;
use anyhow::Result;
use serde::Serialize;
use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Say whether sandboxes can run on this host, and how well
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  catalyzer doctor --json | jq '.checks[] | select(.ok | not)'")]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One feature of the host.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// Sandboxes can't run without it.
    required: bool,
    found: String,
    /// What its absence costs; empty when it is there.
    #[serde(skip_serializing_if = "str::is_empty")]
    cost: &'static str,
}

#[derive(Debug, Serialize)]
struct Report {
    can_run: bool,
    user: &'static str,
    machine: crate::bench::report::Machine,
    checks: Vec<Check>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Status> {
    let checks = examine();
    let can_run = checks.iter().all(|c| c.ok || !c.required);
    let user = if rustix::process::geteuid().is_root() { "root" } else { "ordinary user" };
    let report = Report { can_run, user, machine: crate::bench::report::Machine::of_this_host(), checks };
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(if can_run { Status::Success } else { Status::CheckFailed })
}

fn print(report: &Report) {
    let machine = &report.machine;
    println!("{}, {} cores, Linux {}, as {}", machine.cpu, machine.cores, machine.kernel, report.user);
    let width = report.checks.iter().map(|c| c.name.len()).max().unwrap_or(0);
    for check in &report.checks {
        let mark = match (check.ok, check.required) {
            (true, _) => "yes",
            (false, true) => "NO",
            (false, false) => "no",
        };
        println!("{mark:>4}  {:width$}  {}", check.name, check.found);
        if !check.ok {
            println!("      {:width$}  -> {}", "", check.cost);
        }
    }
    match report.can_run {
        true => println!("Sandboxes can run here."),
        false => println!("Sandboxes can't run here: see the lines marked NO."),
    }
}

fn check(name: &'static str, required: bool, tried: Result<String, String>, cost: &'static str) -> Check {
    match tried {
        Ok(found) => Check { name, ok: true, required, found, cost: "" },
        Err(found) => Check { name, ok: false, required, found, cost },
    }
}

fn examine() -> Vec<Check> {
    let mut checks = vec![
        check("processor", true, processor(), "Catalyzer runs x86-64 programs on x86-64 hosts"),
        check(
            "fsgsbase",
            true,
            fsgsbase(),
            "the guest kernel finds its per-thread data through GS; needs Linux 5.9 and a processor since 2012",
        ),
        check(
            "user namespaces",
            true,
            user_namespaces(),
            "sandboxes live in namespaces of their own; allow them with `sysctl -w user.max_user_namespaces=15000`, \
             and `kernel.unprivileged_userns_clone=1` or `kernel.apparmor_restrict_unprivileged_userns=0` where those exist, \
             or run as root",
        ),
        check("seccomp", true, seccomp(), "nothing would stop a guest from using the host's system calls"),
        check("memfd", true, memfd(), "the guest kernel is started from a memfd"),
        check("openat2", true, openat2(), "the file server could not confine a path to its root; needs Linux 5.6"),
        check("pidfd", true, pidfd(), "instances could not be told from reused process ids; needs Linux 5.3"),
        check(
            "process_vm_readv",
            true,
            process_vm_readv(),
            "images and boot times are read from sandboxes with it; `kernel.yama.ptrace_scope` must be below 2",
        ),
        check(
            "membarrier",
            false,
            membarrier(),
            "system-call sites can't be patched safely, so that each call traps (2.5 µs instead of 0.01)",
        ),
        check("Landlock", false, landlock(), "the file server is confined by its namespace and `openat2` alone"),
        check(
            "clock source",
            false,
            clock_source(),
            "reading a clock in the sandbox is a hostcall (0.2 µs instead of 0.03)",
        ),
    ];
    checks.extend(cgroups());
    checks.push(check("pagemap", false, pagemap(), "private pages of instances can't be listed, only counted"));
    checks.push(check("KVM", false, kvm(), "nothing today; it is for a platform that is still to come"));
    checks
}

fn errno(error: i32) -> String {
    super::config::plain(&std::io::Error::from_raw_os_error(error))
}

/// The result of the last libc call.
fn outcome(result: i64) -> Result<i64, String> {
    if result < 0 { Err(super::config::plain(&std::io::Error::last_os_error())) } else { Ok(result) }
}

/// Runs `action` in a child process; it answers an errno, or 0.
fn in_child(action: impl FnOnce() -> i32) -> Result<(), String> {
    // SAFETY: this program has one thread when `doctor` runs, so the child may do what it likes; it
    // leaves by `_exit` and so runs no destructor or exit handler twice.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(action()),
            -1 => Err(super::config::plain(&std::io::Error::last_os_error())),
            child => {
                let mut status = 0;
                libc::waitpid(child, &raw mut status, 0);
                match (libc::WIFEXITED(status), libc::WEXITSTATUS(status)) {
                    (true, 0) => Ok(()),
                    (true, error) => Err(errno(error)),
                    (false, _) => Err(format!("killed by signal {}", libc::WTERMSIG(status))),
                }
            }
        }
    }
}

fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)
}

fn processor() -> Result<String, String> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86-64".into()),
        other => Err(other.into()),
    }
}

fn fsgsbase() -> Result<String, String> {
    const HWCAP2_FSGSBASE: u64 = 2;
    // SAFETY: reads the auxiliary vector, nothing else.
    let capabilities = unsafe { libc::getauxval(libc::AT_HWCAP2) };
    if capabilities & HWCAP2_FSGSBASE != 0 { Ok("usable by programs".into()) } else { Err("not usable".into()) }
}

fn user_namespaces() -> Result<String, String> {
    let uid = rustix::process::geteuid().as_raw();
    in_child(|| {
        let flags = libc::CLONE_NEWUSER
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWNET
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS;
        // SAFETY: changes the namespaces of the child only.
        if unsafe { libc::unshare(flags) } != 0 {
            return last_errno();
        }
        // Some distributions allow the namespace and then take its privileges away: only using them shows.
        if fs::write("/proc/self/uid_map", format!("0 {uid} 1")).is_err() {
            return last_errno();
        }
        // SAFETY: constant, terminated strings; the mount is in the child's own namespace.
        let mounted = unsafe {
            libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                std::ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                std::ptr::null(),
            )
        };
        if mounted != 0 { last_errno() } else { 0 }
    })
    .map(|()| "with pid, mount, net, ipc and uts namespaces".into())
}

fn seccomp() -> Result<String, String> {
    const GET_ACTION_AVAIL: libc::c_uint = 2;
    for (name, action) in [("trap", 0x0003_0000u32), ("kill process", 0x8000_0000)] {
        // SAFETY: asks about one action by pointer to it.
        let result = unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0, &raw const action) };
        outcome(result).map_err(|e| format!("action \"{name}\": {e}"))?;
    }
    Ok("filters that trap and kill".into())
}

fn landlock() -> Result<String, String> {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call reads no memory.
    let result = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION) };
    outcome(result).map(|version| format!("version {version}"))
}

fn memfd() -> Result<String, String> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create("doctor", flags) {
        Ok(_) => Ok("with seals".into()),
        Err(error) => Err(errno(error.raw_os_error())),
    }
}

fn openat2() -> Result<String, String> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(rustix::fs::CWD, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Ok(_) => Ok("with resolve flags".into()),
        Err(error) => Err(errno(error.raw_os_error())),
    }
}

fn pidfd() -> Result<String, String> {
    match rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty()) {
        Ok(_) => Ok("usable".into()),
        Err(error) => Err(errno(error.raw_os_error())),
    }
}

fn process_vm_readv() -> Result<String, String> {
    static WORD: u64 = 0x0063_6174_616c_797a;
    // The child waits until it is killed; it has the word at the same address as this process.
    // SAFETY: one thread, and the child calls async-signal-safe functions only.
    let child = unsafe { libc::fork() };
    if child == 0 {
        loop {
            // SAFETY: suspends the child, nothing else.
            unsafe { libc::pause() };
        }
    }
    outcome(child.into())?;
    let mut word = 0u64;
    let local = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: (&raw const WORD).cast_mut().cast(), iov_len: 8 };
    // SAFETY: `local` is this function's own word; the child is ours, killed and reaped here.
    let result = unsafe {
        let read = libc::process_vm_readv(child, &raw const local, 1, &raw const remote, 1, 0);
        let result = outcome(read as i64);
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
        result
    };
    match result {
        Ok(8) if word == WORD => Ok("of own children".into()),
        Ok(_) => Err("reads wrong bytes".into()),
        Err(error) => Err(error),
    }
}

fn membarrier() -> Result<String, String> {
    const QUERY: libc::c_int = 0;
    const PRIVATE_EXPEDITED_SYNC_CORE: i64 = 1 << 5;
    // SAFETY: a query changes nothing.
    let commands = outcome(unsafe { libc::syscall(libc::SYS_membarrier, QUERY, 0, 0) })?;
    match commands & PRIVATE_EXPEDITED_SYNC_CORE {
        0 => Err("without SYNC_CORE".into()),
        _ => Ok("with SYNC_CORE".into()),
    }
}

fn clock_source() -> Result<String, String> {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let name = fs::read_to_string(path).map_err(|e| super::config::plain(&e))?;
    match name.trim() {
        "tsc" => Ok("tsc, read without a system call".into()),
        other => Err(other.into()),
    }
}

fn pagemap() -> Result<String, String> {
    fs::File::open("/proc/self/pagemap").map(|_| "readable".into()).map_err(|e| super::config::plain(&e))
}

fn kvm() -> Result<String, String> {
    match fs::OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        Ok(_) => Ok("/dev/kvm usable".into()),
        Err(error) => Err(super::config::plain(&error)),
    }
}

/// A cgroup hierarchy of this process, as a directory.
struct Hierarchy {
    /// v1: its controllers; v2: empty.
    controllers: Vec<String>,
    own: PathBuf,
}

/// One row a limit: which controller gives it, and whether groups can be made there.
fn cgroups() -> Vec<Check> {
    const COSTS: [(&str, &str, &str); 3] = [
        (
            "memory",
            "cgroup memory",
            "memory is limited by the guest kernel's accounting, RLIMIT_DATA and the monitor's watch",
        ),
        ("cpu", "cgroup cpu", "an instance may use all processors; only its total CPU time is limited"),
        ("pids", "cgroup pids", "process counts are shared by all instances of a function (RLIMIT_NPROC)"),
    ];
    let hierarchies = hierarchies();
    COSTS
        .iter()
        .map(|(controller, name, cost)| check(name, false, controller_usable(&hierarchies, controller), cost))
        .collect()
}

fn controller_usable(hierarchies: &[Hierarchy], controller: &str) -> Result<String, String> {
    let mut problem = "no such controller".to_owned();
    for hierarchy in hierarchies {
        let v2 = hierarchy.controllers.is_empty();
        let has = if v2 {
            let list = fs::read_to_string(hierarchy.own.join("cgroup.controllers")).unwrap_or_default();
            list.split_whitespace().any(|c| c == controller)
        } else {
            hierarchy.controllers.iter().any(|c| c == controller)
        };
        if !has {
            continue;
        }
        let version = if v2 { "v2" } else { "v1" };
        match make_and_remove_group(&hierarchy.own) {
            Ok(()) => return Ok(format!("{version}, groups can be made in {}", hierarchy.own.display())),
            Err(error) => problem = format!("{version}, {}: {error}", hierarchy.own.display()),
        }
    }
    Err(problem)
}

fn make_and_remove_group(parent: &Path) -> Result<(), String> {
    let group = parent.join(format!("catalyzer-doctor-{}", std::process::id()));
    fs::create_dir(&group).and_then(|()| fs::remove_dir(&group)).map_err(|e| super::config::plain(&e))
}

fn hierarchies() -> Vec<Hierarchy> {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    parse_hierarchies(&membership, &mounts)
}

/// Joins `/proc/self/cgroup` (which group of each hierarchy) with `/proc/self/mountinfo` (where it is).
fn parse_hierarchies(membership: &str, mounts: &str) -> Vec<Hierarchy> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (left, right): (Vec<_>, Vec<_>) = (left.split(' ').collect(), right.split(' ').collect());
        let (Some(root), Some(point), Some(kind), Some(options)) =
            (left.get(3), left.get(4), right.first(), right.get(2))
        else {
            continue;
        };
        let own = membership.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            let same = match *kind {
                "cgroup2" => controllers.is_empty(),
                "cgroup" => {
                    !controllers.is_empty() && controllers.split(',').all(|c| options.split(',').any(|o| o == c))
                }
                _ => false,
            };
            same.then(|| (controllers, path.strip_prefix(root.trim_end_matches('/')).unwrap_or(path)))
        });
        if let Some((controllers, path)) = own {
            let controllers = controllers.split(',').filter(|c| !c.is_empty()).map(str::to_owned).collect();
            found.push(Hierarchy { controllers, own: Path::new(point).join(path.trim_start_matches('/')) });
        }
    }
    found
}

/// The name of the kernel's release.
pub fn kernel_release() -> String {
    let name = rustix::system::uname();
    CStr::to_string_lossy(name.release()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_in_both_versions_of_cgroups() {
        let membership = "4:memory:/user/1\n2:cpu,cpuacct:/\n0::/slice\n";
        let mounts = "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:3 - cgroup cgroup rw,cpu,cpuacct\n\
                      32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                      33 25 0:29 / /tmp rw - tmpfs tmpfs rw\n";
        let own: Vec<_> = parse_hierarchies(membership, mounts).into_iter().map(|h| h.own).collect();
        let expected = ["memory/user/1", "cpu,cpuacct", "unified/slice"].map(|p| Path::new("/sys/fs/cgroup").join(p));
        assert_eq!(own, expected);
    }

    #[test]
    fn every_missing_feature_says_what_it_costs() {
        for check in examine() {
            assert!(check.ok || !check.cost.is_empty(), "{}", check.name);
        }
    }
}
