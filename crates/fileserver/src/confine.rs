//! Giving up everything but the roots.
//!
//! What must hold, holds by the steps that are required: no privileges, no new ones, and the filter.
//! The namespaces, the empty root directory and Landlock stand behind that, and are left out, with a
//! word in the log, where the host doesn't grant them. In particular an ordinary user's server gets no
//! namespaces: in a user namespace of its own all files would seem to be owned by nobody.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr,
    Scope,
};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::Error;
use crate::tree::Tree;

/// User and group of a server that was started by root: nobody.
const NOBODY: u32 = 65534;
/// Most clients at a time, if the descriptor limit allows.
const MAX_CLIENTS: usize = 4096;
/// Descriptors besides those of roots and clients.
const OWN_DESCRIPTORS: usize = 32;

/// Confines the process for good. Returns how many clients it can have.
pub fn confine(tree: &Tree) -> Result<usize, Error> {
    // A group of its own: the terminal's signals are for the monitor. It may have one already.
    let _ = rustix::process::setpgid(None, None);
    let max_clients = limit_resources(tree.roots().len())?;
    drop_privileges(tree.world_readable_only())?;
    step("no_new_privs", rustix::thread::set_no_new_privs(true))?;
    // Another process of the same user must not be able to look into this one.
    step("PR_SET_DUMPABLE", rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable))?;
    // After the change of user, which takes it back.
    step("PR_SET_PDEATHSIG", rustix::process::set_parent_process_death_signal(Some(Signal::KILL)))?;
    if let Err(error) = enter_landlock(tree) {
        log::warn!("file server: continuing without Landlock: {error}");
    }
    let filter = filter(tree).map_err(|error| Error::Filter(error.to_string()))?;
    seccompiler::apply_filter(&filter).map_err(|error| Error::Filter(error.to_string()))?;
    Ok(max_clients)
}

fn step<T>(step: &'static str, outcome: Result<T, Errno>) -> Result<T, Error> {
    outcome.map_err(|errno| Error::Confine { step, source: errno.into() })
}

fn limit_resources(roots: usize) -> Result<usize, Error> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    step("RLIMIT_CORE", rustix::process::setrlimit(Resource::Core, none))?;
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let own = roots + OWN_DESCRIPTORS;
    let limit = hard.min((own + MAX_CLIENTS) as u64);
    let descriptors = Rlimit { current: Some(limit), maximum: Some(limit) };
    step("RLIMIT_NOFILE", rustix::process::setrlimit(Resource::Nofile, descriptors))?;
    match usize::try_from(limit).ok().and_then(|limit| limit.checked_sub(own)) {
        Some(clients) if clients > 0 => Ok(clients),
        _ => Err(Error::Confine { step: "RLIMIT_NOFILE is too low for the roots", source: Errno::MFILE.into() }),
    }
}

/// Drops users, groups, capabilities, and what else takes privileges to drop.
///
/// Where a root shows what the caller may read, root's right to read everything stays, and that only;
/// an ordinary user stays who they are.
fn drop_privileges(world_readable_only: bool) -> Result<(), Error> {
    let held = step("capget", rustix::thread::capabilities(None))?.permitted;
    let keep = if world_readable_only {
        CapabilitySet::empty()
    } else if held.contains(CapabilitySet::DAC_READ_SEARCH) {
        CapabilitySet::DAC_READ_SEARCH
    } else {
        // In a container root often has but this one.
        held & CapabilitySet::DAC_OVERRIDE
    };
    if rustix::process::geteuid().is_root() {
        leave_host();
        for capability in CapabilitySet::all().iter() {
            // Newer than the kernel, or we may not: then no_new_privs does it.
            let _ = rustix::thread::remove_capability_from_bounding_set(capability);
        }
        // Else being root is the only right to read there is.
        if world_readable_only || !keep.is_empty() {
            step("PR_SET_KEEPCAPS", rustix::thread::set_keep_capabilities(true))?;
            become_nobody()?;
        }
    }
    let sets = CapabilitySets { effective: keep, permitted: keep, inheritable: CapabilitySet::empty() };
    step("capset", rustix::thread::set_capabilities(None, sets))
}

fn become_nobody() -> Result<(), Error> {
    // In a user namespace setgroups may be forbidden (EPERM), and nobody may have no number (EINVAL).
    let if_possible = |outcome: Result<(), Errno>| match outcome {
        Err(Errno::PERM | Errno::INVAL) => {
            log::warn!("file server: this user namespace does not let it become nobody");
            Ok(())
        }
        other => other,
    };
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    step("setgroups", if_possible(rustix::thread::set_thread_groups(&[])))?;
    step("setresgid", if_possible(rustix::thread::set_thread_res_gid(gid, gid, gid)))?;
    step("setresuid", if_possible(rustix::thread::set_thread_res_uid(uid, uid, uid)))
}

/// Network, IPC and host name of its own; a root directory with nothing in it.
fn leave_host() {
    let flags = UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    // SAFETY: the flags leave alone what other code relies on; descriptors and memory stay as they are.
    if let Err(errno) = unsafe { rustix::thread::unshare_unsafe(flags) } {
        log::warn!("file server: continuing in the host's network namespace: {errno}");
    }
    // Numbers of its own descriptors are all that is to be seen there, until Landlock closes even that.
    let empty = rustix::process::chdir("/proc/self/fdinfo").and_then(|()| rustix::process::chroot("."));
    if let Err(errno) = empty {
        log::warn!("file server: continuing in the host's root directory: {errno}");
    }
}

/// Read access beneath the roots and no other access to files, no TCP, no signals to others.
fn enter_landlock(tree: &Tree) -> Result<(), landlock::RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    for root in tree.roots() {
        let access = if root.directory { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() };
        ruleset = ruleset.add_rule(PathBeneath::new(&root.fd, access))?;
    }
    ruleset.restrict_self()?;
    Ok(())
}

/// The system calls of the loop and of the memory allocator, and no other: those get `EPERM`.
fn filter(tree: &Tree) -> Result<BpfProgram, seccompiler::Error> {
    const ALLOWED: &[i64] = &[
        libc::SYS_epoll_wait,
        libc::SYS_epoll_pwait,
        libc::SYS_epoll_pwait2,
        libc::SYS_epoll_create1,
        libc::SYS_epoll_ctl,
        libc::SYS_recvmsg,
        libc::SYS_sendmsg,
        libc::SYS_sendto,
        libc::SYS_fstat,
        libc::SYS_fstatfs,
        libc::SYS_newfstatat,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_close,
        libc::SYS_write,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let writing = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE & !libc::O_DIRECTORY;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let descriptors = tree.descriptors().as_raw_fd();
    let mut allow_if = |call, conditions: Vec<SeccompCondition>| -> Result<(), seccompiler::BackendError> {
        rules.insert(call, vec![SeccompRule::new(conditions)?]);
        Ok(())
    };
    // The path is relative to a descriptor. (How it is opened lies in memory, unseen by a filter.)
    let current_directory = bits(libc::AT_FDCWD);
    allow_if(libc::SYS_openat2, vec![SeccompCondition::new(0, Len::Dword, Op::Ne, current_directory)?])?;
    // Only in /proc/self/fd, only for reading.
    allow_if(
        libc::SYS_openat,
        vec![
            SeccompCondition::new(0, Len::Dword, Op::Eq, bits(descriptors))?,
            SeccompCondition::new(2, Len::Dword, Op::MaskedEq(bits(writing)), bits(libc::O_RDONLY))?,
        ],
    )?;
    // Builds with debug assertions check each descriptor before they close it.
    allow_if(libc::SYS_fcntl, vec![SeccompCondition::new(1, Len::Dword, Op::Eq, bits(libc::F_GETFD))?])?;
    // No code comes into being.
    let executable = Op::MaskedEq(bits(libc::PROT_EXEC));
    allow_if(libc::SYS_mmap, vec![SeccompCondition::new(2, Len::Dword, executable, 0)?])?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

/// The bits of a C `int` as a filter sees them.
fn bits(value: i32) -> u64 {
    u64::from(u32::from_ne_bytes(value.to_ne_bytes()))
}
