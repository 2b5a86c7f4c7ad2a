//! The inside end of a function's process tree: jail, keeper, and the start of the nursery.
//!
//! Runs in a process of its own (the program executed again, see [`main`]), which turns itself into the jail
//! step by step and then into two processes:
//!
//! 1. `P0`, a child of the monitor: joins the cgroup, drops to an unprivileged user *first* when it was root,
//!    makes the namespaces, an empty read-only root, then clones the keeper as its own sibling and ends.
//! 2. The *keeper*, pid 1 of the function's pid namespace and a direct child of the monitor: sets resource
//!    limits, starts the nursery (pid 2), gives up every capability, and reaps for ever. It reads nothing that a
//!    sandbox wrote. It ends when the monitor ends (`PDEATHSIG`, and the end of its socket), and with it everything in its
//!    pid namespace.
//! 3. The *nursery*: the guest kernel, executed from a sealed memory file with no environment, its control
//!    socket and nothing else. It keeps `CAP_SYS_ADMIN` over the function's own user namespace, because its
//!    clones need `CLONE_NEWPID`; each instance drops that first of all.
#![allow(unsafe_code)]

use crate::error::{Error, Result};
use crate::wire::{self, Received};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, WaitOptions};
use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The user and group that the jail's processes have inside their user namespace.
const INNER_ID: u32 = 1;
/// How long `P0` waits for its orders.
const ORDERS: Duration = Duration::from_secs(10);
/// Deaths that are kept while the monitor does not read; older ones are forgotten.
const UNSENT_DEATHS: usize = 4096;

/// Monitor to `P0`, once. Descriptors: the kernel's memory file, the nursery's control socket, then the
/// `cgroup.procs` files to join.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// User and group to become before anything else, when started by root.
    pub drop_to: Option<(u32, u32)>,
    /// `RLIMIT_NOFILE` of every process of the function.
    pub descriptors: u64,
    /// `RLIMIT_NPROC`.
    pub processes: u64,
    /// `RLIMIT_DATA`.
    pub data: Option<u64>,
}

/// `P0` and keeper to monitor.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FromKeeper {
    /// The keeper has been cloned; its pid as the monitor sees it.
    Cloned(i32),
    /// The nursery has been started with this pid in the keeper's namespace.
    Ready(i32),
    /// A step failed with this errno; nothing comes after it.
    Failed(String, i32),
    /// A child ended: pid in the keeper's namespace, wait status.
    Died(i32, i32),
}

/// A failed step.
struct Failed(&'static str, Errno);

type Step<T> = std::result::Result<T, Failed>;

fn step(name: &'static str) -> impl FnOnce(Errno) -> Failed {
    move |errno| Failed(name, errno)
}

/// Entry of the process that the monitor starts with [`crate::MonitorOptions::keeper`]: call it first thing in
/// `main`, before any thread exists, when the arguments say so. Standard input is the control socket.
pub fn main() -> ExitCode {
    let control = std::io::stdin();
    let control = control.as_fd();
    // SAFETY: nothing in this process uses descriptors from 3 on: it was just executed.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    match jail(control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(name, errno)) => {
            tell(control, &FromKeeper::Failed(name.to_owned(), errno.raw_os_error()));
            ExitCode::FAILURE
        }
    }
}

fn tell(control: BorrowedFd<'_>, message: &FromKeeper) {
    // Without a reader there is nobody left to tell.
    let _ = wire::send(control, &abi::encode(message), &[]);
}

/// `P0`: returns once the keeper is cloned, in `P0`; never in the keeper.
fn jail(control: BorrowedFd<'_>) -> Step<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(step("prctl(PDEATHSIG)"))?;
    let received = wire::receive_by(control, Instant::now() + ORDERS).map_err(step("receiving orders"))?;
    let Received::Message(bytes, fds) = received else { return Err(Failed("receiving orders", Errno::PROTO)) };
    let setup: Setup = abi::decode(&bytes).map_err(|_| Failed("receiving orders", Errno::PROTO))?;
    let mut fds = fds.into_iter();
    let (Some(kernel), Some(nursery)) = (fds.next(), fds.next()) else {
        return Err(Failed("receiving orders", Errno::BADF));
    };
    for procs in fds {
        rustix::io::write(&procs, b"0").map_err(step("joining the cgroup"))?;
    }

    // When the host runs out of memory, sandboxes go first. Where this can't be said, nothing is lost.
    let _ = write("/proc/self/oom_score_adj", "500");
    // Signals of the caller's terminal are not for sandboxes.
    rustix::process::setsid().map_err(step("setsid"))?;
    let (uid, gid) = drop_privileges(setup.drop_to)?;
    let namespaces = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWPID;
    // SAFETY: the process has one thread and shares no descriptor table with anyone.
    unsafe { rustix::thread::unshare_unsafe(namespaces) }.map_err(step("unshare"))?;
    write("/proc/self/setgroups", "deny").map_err(step("writing setgroups"))?;
    write("/proc/self/uid_map", &format!("{INNER_ID} {uid} 1")).map_err(step("writing uid_map"))?;
    write("/proc/self/gid_map", &format!("{INNER_ID} {gid} 1")).map_err(step("writing gid_map"))?;
    empty_root()?;

    // SAFETY: as `fork`, but the child is the monitor's: one thread, no memory is shared.
    match unsafe { clone(libc::CLONE_PARENT | libc::SIGCHLD) }.map_err(step("clone of the keeper"))? {
        0 => keep(control, &setup, kernel, nursery),
        pid => {
            tell(control, &FromKeeper::Cloned(pid));
            Ok(())
        }
    }
}

/// Becomes an ordinary user when told to, and says which user and group this is now.
fn drop_privileges(to: Option<(u32, u32)>) -> Step<(u32, u32)> {
    if let Some((uid, gid)) = to {
        rustix::thread::set_thread_groups(&[]).map_err(step("setgroups"))?;
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(step("setresgid"))?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(step("setresuid"))?;
        // Changing the user made /proc/self root's, and with it the maps of the namespace to come. It also
        // cleared the death signal.
        rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(step("prctl(DUMPABLE)"))?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(step("prctl(PDEATHSIG)"))?;
    }
    Ok((rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()))
}

fn write(path: &str, text: &str) -> rustix::io::Result<()> {
    let fd = rustix::fs::open(path, rustix::fs::OFlags::WRONLY, rustix::fs::Mode::empty())?;
    rustix::io::write(&fd, text.as_bytes()).map(drop)
}

/// Makes an empty directory that can't be written the root, and forgets the old one.
fn empty_root() -> Step<()> {
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    rustix::mount::mount_change("/", private).map_err(step("making mounts private"))?;
    let place =
        ["/tmp", "/proc", "/usr", "/etc"].into_iter().find(|path| std::fs::metadata(path).is_ok_and(|m| m.is_dir()));
    let place = place.ok_or(Failed("finding a mount point", Errno::NOENT))?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("none", place, "tmpfs", flags, c"size=4k,nr_inodes=2,mode=555")
        .map_err(step("mounting the empty root"))?;
    rustix::process::chdir(place).map_err(step("entering the empty root"))?;
    // Both the same directory: the old root then lies on top of the new one, and goes with one unmount.
    rustix::process::pivot_root(".", ".").map_err(step("pivot_root"))?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).map_err(step("detaching the old root"))?;
    rustix::process::chdir("/").map_err(step("entering the empty root"))
}

/// The keeper.
fn keep(control: BorrowedFd<'_>, setup: &Setup, kernel: OwnedFd, nursery: OwnedFd) -> ! {
    let end = match keeper_setup(control, setup, &kernel, &nursery) {
        Ok(pid) => {
            drop((kernel, nursery));
            tell(control, &FromKeeper::Ready(pid));
            reap(control)
        }
        Err(failed) => failed,
    };
    tell(control, &FromKeeper::Failed(end.0.to_owned(), end.1.raw_os_error()));
    std::process::exit(1)
}

fn keeper_setup(control: BorrowedFd<'_>, setup: &Setup, kernel: &OwnedFd, nursery: &OwnedFd) -> Step<i32> {
    // If the monitor ended before this line, the end of the control socket says so.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(step("prctl(PDEATHSIG)"))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Memlock, 0)?;
    // The place of the host's stack and vDSO is computed from this.
    limit(Resource::Stack, 8 << 20)?;
    limit(Resource::Nofile, setup.descriptors)?;
    limit(Resource::Nproc, setup.processes)?;
    if let Some(data) = setup.data {
        limit(Resource::Data, data)?;
    }
    rustix::thread::set_no_new_privs(true).map_err(step("prctl(NO_NEW_PRIVS)"))?;
    // SAFETY: `fork`: one thread, no memory is shared.
    let pid = match unsafe { clone(libc::SIGCHLD) }.map_err(step("clone of the nursery"))? {
        0 => {
            // Standard input, where this socket lies, becomes the nursery's on the way.
            let report = rustix::io::fcntl_dupfd_cloexec(control, 10);
            let Failed(name, errno) = become_nursery(kernel, nursery);
            if let Ok(report) = report {
                tell(report.as_fd(), &FromKeeper::Failed(name.to_owned(), errno.raw_os_error()));
            }
            std::process::exit(1)
        }
        pid => pid,
    };
    let nothing = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, nothing).map_err(step("capset"))?;
    Ok(pid)
}

/// Sets both limits, or the hard limit that is there already when it is lower.
fn limit(resource: Resource, value: u64) -> Step<()> {
    let value = rustix::process::getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
    rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
        .map_err(step("setrlimit"))
}

/// The keeper's first child, up to the execution of the guest kernel; comes back only to say what failed.
fn become_nursery(kernel: &OwnedFd, nursery: &OwnedFd) -> Failed {
    let kernel = match nursery_setup(kernel, nursery) {
        Err(failed) => return failed,
        Ok(kernel) => kernel,
    };
    let name = c"catalyzer-nursery";
    let (argv, envp) = ([name.as_ptr(), std::ptr::null()], [std::ptr::null::<libc::c_char>()]);
    let flags = libc::AT_EMPTY_PATH;
    // SAFETY: both arrays and the string live over the call and end with a null pointer.
    unsafe { libc::syscall(libc::SYS_execveat, kernel, c"".as_ptr(), argv.as_ptr(), envp.as_ptr(), flags) };
    Failed("executing the guest kernel", last_errno())
}

/// Privileges and descriptors of the nursery; the descriptor of the kernel to execute.
fn nursery_setup(kernel: &OwnedFd, nursery: &OwnedFd) -> Step<RawFd> {
    let kept = CapabilitySet::SYS_ADMIN;
    for capability in CapabilitySet::all().iter().filter(|capability| *capability != kept) {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // The host's kernel may know fewer.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(errno) => return Err(Failed("dropping the bounding set", errno)),
        }
    }
    let bits = CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED;
    rustix::thread::set_capabilities_secure_bits(bits).map_err(step("locking securebits"))?;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: kept };
    rustix::thread::set_capabilities(None, sets).map_err(step("capset"))?;
    // Ambient, so that it lasts over the execution of a plain file by a user that is not 0.
    rustix::thread::configure_capability_in_ambient_set(kept, true).map_err(step("raising an ambient capability"))?;
    // With randomisation a host may put its vDSO below the range that the guest kernel takes for its own. The
    // guest's own layout is random by other means.
    // SAFETY: changes a number in the task.
    if unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) } < 0 {
        return Err(Failed("personality", last_errno()));
    }

    // Control socket to 3 and the kernel, closed by the execution, to 4; both were somewhere above.
    let control = duplicate(nursery.as_fd(), 10)?;
    let kernel = duplicate(kernel.as_fd(), 10)?;
    let place = |from: &OwnedFd, to: RawFd, flags: i32| {
        // SAFETY: descriptors below 10 belong to nobody in this process any more: it executes or ends.
        let done = unsafe { libc::dup3(from.as_raw_fd(), to, flags) };
        if done < 0 { Err(Failed("placing descriptors", last_errno())) } else { Ok(()) }
    };
    // Occupied, so that descriptors that arrive later get numbers of their own. 1 and 2 are /dev/null already.
    // SAFETY: standard output is open: the monitor opened it.
    let null = unsafe { BorrowedFd::borrow_raw(1) };
    let null = duplicate(null, 10)?;
    let kernel_fd = abi::layout::FIRST_FREE_FD;
    place(&null, 0, 0)?;
    place(&control, abi::layout::CONTROL_FD, 0)?;
    place(&kernel, kernel_fd, libc::O_CLOEXEC)?;
    std::mem::forget((control, kernel, null));
    // SAFETY: nothing above is used from here on; the keeper's own socket goes with it on success.
    unsafe { libc::close_range(5, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    Ok(kernel_fd)
}

fn duplicate(fd: BorrowedFd<'_>, at_least: RawFd) -> Step<OwnedFd> {
    rustix::io::fcntl_dupfd_cloexec(fd, at_least).map_err(step("placing descriptors"))
}

/// Reaps and reports until the monitor is gone.
fn reap(control: BorrowedFd<'_>) -> Failed {
    let children = match child_signals() {
        Ok(fd) => fd,
        Err(failed) => return failed,
    };
    let mut unsent = std::collections::VecDeque::new();
    loop {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if unsent.len() == UNSENT_DEATHS {
                unsent.pop_front();
            }
            unsent.push_back(FromKeeper::Died(pid.as_raw_nonzero().get(), status.as_raw()));
        }
        while let Some(death) = unsent.front() {
            match wire::send(control, &abi::encode(death), &[]) {
                Ok(()) => drop(unsent.pop_front()),
                // Sent along with the next one.
                Err(Errno::AGAIN) => break,
                Err(errno) => return Failed("reporting a death", errno),
            }
        }
        if let Err(errno) = wire::wait_readable(&[control, children.as_fd()], None) {
            return Failed("waiting", errno);
        }
        let mut signals = [0; 1024];
        let _ = rustix::io::read(&children, &mut signals);
        // The monitor says nothing more, so whatever comes is the end.
        if !matches!(wire::receive(control), Ok(Received::Nothing)) {
            return Failed("waiting", Errno::PIPE);
        }
    }
}

/// A descriptor that is readable when a child ended.
fn child_signals() -> Step<OwnedFd> {
    // SAFETY: plain calls on a set that lives here; the descriptor is new and ours.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        match libc::signalfd(-1, &set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
            -1 => Err(Failed("signalfd", last_errno())),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// `clone` without a new stack.
///
/// # Safety
/// As for `fork`: with one thread only, and flags that share no memory.
unsafe fn clone(flags: i32) -> rustix::io::Result<i32> {
    // SAFETY: the caller's promise.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(flags), 0, 0, 0, 0) };
    if pid < 0 { Err(last_errno()) } else { i32::try_from(pid).map_err(|_| Errno::OVERFLOW) }
}

fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}

/// A message from `P0` or the keeper.
pub(crate) fn decode(bytes: &[u8]) -> Result<FromKeeper> {
    abi::decode(bytes).map_err(|_| Error::Tree { who: "the keeper", what: "said something malformed".to_owned() })
}
