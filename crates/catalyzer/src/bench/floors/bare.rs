//! `bare-clone` and `bare-wake`: a fork boot with nothing in it.
//!
//! ```text
//! benchmark ──message, descriptor──▶ bare process (pid 2) ──clone──▶ child: stamp, copy pages, stamp
//!     ▲                              in a user and a pid namespace,     │
//!     │                              under a keeper (pid 1)             │
//!     └────────────────one byte over the descriptor─────────────────────┘
//! ```
//!
//! The bare process holds as many private file mappings of the image as a template does; the stamps
//! lie in a page that the benchmark shares.

use super::{Helper, PATIENCE, receive, send, standard_input};
use crate::clock::{now_ns, us_between};
use anyhow::{Context, Result, bail};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{null_mut, write_volatile};
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE: usize = 4096;
/// Length of each mapping, pages.
const MAPPING: usize = 4;
const CLONE: u8 = b'c';
const WAKE: u8 = b'w';

/// What the bare process is like.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Shape {
    /// Mappings it holds in all.
    pub mappings: usize,
    /// Pages its children copy.
    pub pages: usize,
}

/// What it became, which may be less than asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Built {
    /// Mappings it holds in all.
    pub mappings: usize,
    /// Pages its children copy.
    pub pages: usize,
    /// The flags of its `clone`, in words.
    pub flags: String,
    /// What this host did not permit.
    pub note: Option<String>,
}

/// The page in which the bare process and its children write their stamps.
#[repr(C)]
struct Stamps {
    first_ns: AtomicU64,
    last_ns: AtomicU64,
}

/// A bare process that waits.
#[derive(Debug)]
pub struct Bare {
    helper: Helper,
    stamps: &'static Stamps,
    /// What it is like.
    pub built: Built,
}

impl std::fmt::Debug for Stamps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stamps")
    }
}

/// What a single measurement gave, in microseconds since the message was sent.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// To the first instruction.
    pub first_us: f64,
    /// To the end of the copied pages.
    pub last_us: f64,
}

impl Bare {
    /// Starts a bare process that maps `image`.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(shape: Shape, image: &File) -> Result<Self> {
        let memory = rustix::fs::memfd_create("stamps", rustix::fs::MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&memory, PAGE as u64)?;
        let stamps = map_stamps(memory.as_fd())?;
        let helper = Helper::start("__floor-bare", &serde_json::to_string(&shape)?)?;
        send(helper.socket()?, b"setup", &[memory.as_fd(), image.as_fd()])?;
        let built = serde_json::from_str(&helper.receive().context("bare process")?)?;
        Ok(Self { helper, stamps, built })
    }

    /// One `clone`.
    ///
    /// # Errors
    /// The bare process has ended.
    pub fn clone_once(&self) -> Result<Measured> {
        self.measure(CLONE)
    }

    /// One wake-up of the bare process itself.
    ///
    /// # Errors
    /// The bare process has ended.
    pub fn wake_once(&self) -> Result<Measured> {
        self.measure(WAKE)
    }

    fn measure(&self, kind: u8) -> Result<Measured> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        rustix::net::sockopt::set_socket_timeout(&ours, rustix::net::sockopt::Timeout::Recv, Some(PATIENCE))?;
        let socket = self.helper.socket()?;
        let asked_ns = now_ns();
        send(socket, &[kind], &[theirs.as_fd()])?;
        drop(theirs);
        let mut byte = [0; 1];
        if rustix::io::retry_on_intr(|| rustix::io::read(&ours, &mut byte))? != 1 {
            bail!("the bare process could not clone");
        }
        // The end of the stream is the end of the child, so that no child is there during the next measurement.
        rustix::io::retry_on_intr(|| rustix::io::read(&ours, &mut byte))?;
        Ok(Measured {
            first_us: us_between(asked_ns, self.stamps.first_ns.load(Ordering::Acquire)),
            last_us: us_between(asked_ns, self.stamps.last_ns.load(Ordering::Acquire)),
        })
    }
}

fn map_stamps(memory: BorrowedFd<'_>) -> Result<&'static Stamps> {
    // SAFETY: a new mapping of a page that is never unmapped and that both sides access by atomics only.
    unsafe {
        let page = mmap(null_mut(), PAGE, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, memory, 0)?;
        Ok(&*page.cast())
    }
}

/// The hidden subcommand: becomes a keeper's parent, and below it the bare process.
///
/// # Errors
/// Never returns otherwise than by an error before the bare process is there.
pub fn serve(argument: &str) -> Result<()> {
    let shape: Shape = serde_json::from_str(argument)?;
    match namespaced_serve(shape) {
        Ok(()) => Ok(()),
        Err(error) => {
            send(standard_input(), format!("error: {error:#}").as_bytes(), &[])?;
            Ok(())
        }
    }
}

/// Forks; the child continues, the parent stays until the child ends and then leaves too. (A parent that
/// ignores `SIGCHLD` waits for all its children, and its `waitpid` fails once none is left.)
fn continue_in_child() -> Result<()> {
    // SAFETY: this process has a single thread; the child goes on like the parent would have.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()).context("fork"),
        0 => {
            // SAFETY: sets the signal that the child gets when its parent dies, nothing else.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            Ok(())
        }
        child => {
            // The children hold the socket; with it open here too, nobody would notice their end.
            // SAFETY: nothing uses standard input in this process any more; `waitpid` writes nothing,
            // and `_exit` runs no handlers of the child's.
            unsafe {
                libc::close(0);
                while libc::waitpid(child, null_mut(), 0) == -1 && *libc::__errno_location() == libc::EINTR {}
                libc::_exit(0)
            }
        }
    }
}

fn namespaced_serve(shape: Shape) -> Result<()> {
    let mut buffer = [0; 64];
    let (_, [Some(memory), Some(image)]) = receive(standard_input(), &mut buffer)? else {
        bail!("the descriptors are missing");
    };
    // SAFETY: changes the namespaces of this process and its children only, both times.
    let namespaced = unsafe {
        libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) == 0 || libc::unshare(libc::CLONE_NEWPID) == 0
    };
    let why_not = std::io::Error::last_os_error();
    continue_in_child()?;
    // This is the keeper, and it reaps without waiting: pid 1 where there is a namespace.
    // SAFETY: no handler is installed that could run.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    continue_in_child()?;
    let note = (!namespaced).then(|| format!("no namespaces here ({why_not}): cloned without CLONE_NEWPID"));
    bare_process(shape, note, memory, image)
}

fn bare_process(shape: Shape, note: Option<String>, memory: OwnedFd, image: OwnedFd) -> Result<()> {
    let stamps = map_stamps(memory.as_fd())?;
    let length = usize::try_from(rustix::fs::fstat(&image)?.st_size)? / PAGE * PAGE;
    if length < 2 * MAPPING * PAGE {
        bail!("the image is too short to be mapped");
    }
    // One writable mapping for the pages that children copy; it stays clean here.
    let pages = shape.pages.min(length / PAGE);
    let writable = map_file(&image, pages.max(1) * PAGE, 0, ProtFlags::READ | ProtFlags::WRITE)?;
    let held = || std::fs::read("/proc/self/maps").map(|maps| maps.iter().filter(|b| **b == b'\n').count());
    for index in held()?..shape.mappings {
        // Protections alternate, so that neighbours never merge into one mapping.
        let protection = if index % 2 == 0 { ProtFlags::READ } else { ProtFlags::READ | ProtFlags::WRITE };
        let offset = index * MAPPING * PAGE % (length - MAPPING * PAGE) / PAGE * PAGE;
        map_file(&image, MAPPING * PAGE, offset as u64, protection)?;
    }
    drop((memory, image));
    let with_namespace = libc::CLONE_NEWPID | libc::CLONE_PARENT | libc::CLONE_PIDFD | libc::SIGCHLD;
    let (flags, words) = match note {
        None => (with_namespace, "CLONE_NEWPID|CLONE_PARENT|CLONE_PIDFD|SIGCHLD"),
        Some(_) => (with_namespace & !libc::CLONE_NEWPID, "CLONE_PARENT|CLONE_PIDFD|SIGCHLD"),
    };
    let built = Built { mappings: held()?, pages, flags: words.into(), note };
    send(standard_input(), serde_json::to_string(&built)?.as_bytes(), &[])?;
    drop(built);

    let mut buffer = [0; 8];
    loop {
        let (received, [descriptor, _]) = receive(standard_input(), &mut buffer)?;
        let (1.., Some(descriptor)) = (received, descriptor) else { return Ok(()) };
        if buffer[0] == WAKE {
            let now = now_ns();
            stamps.first_ns.store(now, Ordering::Release);
            stamps.last_ns.store(now, Ordering::Release);
            rustix::io::write(&descriptor, &[1])?;
            continue;
        }
        let mut pidfd: libc::c_int = -1;
        // SAFETY: without CLONE_VM this is a fork; the child goes on with its own copy of this stack,
        // touches only its own memory and the shared stamps, and leaves by `_exit`. `writable` is a
        // private mapping of `pages` pages of this process.
        unsafe {
            match libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) {
                0 => {
                    stamps.first_ns.store(now_ns(), Ordering::Release);
                    for page in 0..pages {
                        write_volatile(writable.add(page * PAGE), 1);
                    }
                    stamps.last_ns.store(now_ns(), Ordering::Release);
                    let _ = rustix::io::write(&descriptor, &[1]);
                    libc::_exit(0)
                }
                -1 => return Err(std::io::Error::last_os_error()).context("clone"),
                _ => libc::close(pidfd),
            };
        }
    }
}

fn map_file(file: &OwnedFd, length: usize, offset: u64, protection: ProtFlags) -> Result<*mut u8> {
    // SAFETY: a new private mapping at an address the host chooses; nothing refers to it yet.
    let address = unsafe { mmap(null_mut(), length, protection, MapFlags::PRIVATE, file, offset)? };
    Ok(address.cast())
}
