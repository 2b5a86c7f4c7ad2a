//! The hostcall table: everything a sandbox may ask of the host kernel.
//!
//! The guest kernel's wrappers take their numbers from here and the monitor compiles the seccomp
//! program from here, so the two cannot disagree. A call passes when its number is listed and all
//! conditions of one of its alternatives hold; everything else kills the sandbox.

/// A condition on one argument (0 to 5), compared as 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The argument equals the value.
    Is(u8, u64),
    /// The argument is at most the value (unsigned).
    AtMost(u8, u64),
    /// The argument has no bit outside the mask.
    Only(u8, u64),
}

/// One row: a host system call and what its arguments may be.
#[derive(Clone, Copy, Debug)]
pub struct Hostcall {
    /// Name in `man 2`.
    pub name: &'static str,
    /// Number on x86-64.
    pub number: u32,
    /// Alternatives; each is a list of conditions that must all hold.
    pub alternatives: &'static [&'static [Check]],
    /// Who needs it.
    pub reason: &'static str,
}

macro_rules! hostcalls {
    ($($(#[$doc:meta])* $constant:ident = $number:literal $name:literal [$($alternative:expr),+ $(,)?] $reason:literal;)+) => {
        $($(#[$doc])* #[doc = $reason] pub const $constant: u32 = $number;)+
        /// All rows.
        pub const TABLE: &[Hostcall] = &[
            $(Hostcall { name: $name, number: $number, alternatives: &[$($alternative),+], reason: $reason },)+
        ];
    };
}

use Check::{AtMost, Is, Only};

/// Any arguments.
const ANY: &[Check] = &[];
/// Flags of `recvmsg` and `sendmsg`: `MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC`.
pub const MESSAGE_FLAGS: u64 = 0x40 | 0x4000 | 0x4000_0000;
/// `MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE | MAP_FIXED_NOREPLACE`.
pub const MAP_FLAGS: u64 = 0x1 | 0x2 | 0x10 | 0x20 | 0x4000 | 0x8000 | 0x10_0000;
/// `PROT_READ | PROT_WRITE | PROT_EXEC`.
pub const PROTECTIONS: u64 = 7;
/// A thread: `VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|PARENT_SETTID`.
pub const CLONE_THREAD_FLAGS: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x10_0000;
/// `sfork`, zygotes and templates: `CLONE_PIDFD|CLONE_PARENT|CLONE_NEWPID`, with `SIGCHLD`.
pub const CLONE_SFORK_FLAGS: u64 = 0x1000 | 0x8000 | 0x2000_0000 | 17;
/// A template or zygote nursery: a sibling in the keeper's own pid namespace.
pub const CLONE_TEMPLATE_FLAGS: u64 = 0x1000 | 0x8000 | 17;
/// A host process for another guest process of the same sandbox: a copy of the memory, the same descriptors.
pub const CLONE_PROCESS_FLAGS: u64 = 0x400 | 17;
/// `FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG` (absolute `CLOCK_MONOTONIC` deadline).
pub const FUTEX_WAIT_PRIVATE: u64 = 9 | 128;
/// `FUTEX_WAKE | FUTEX_PRIVATE_FLAG`.
pub const FUTEX_WAKE_PRIVATE: u64 = 1 | 128;

hostcalls! {
    READ = 0 "read" [ANY] "standard streams, eventfd";
    WRITE = 1 "write" [ANY] "standard streams, eventfd, trace";
    CLOSE = 3 "close" [ANY] "descriptors that were handed in";
    MMAP = 9 "mmap" [&[Only(2, PROTECTIONS), Only(3, MAP_FLAGS)]] "address spaces, the image, the kernel heap";
    MPROTECT = 10 "mprotect" [&[Only(2, PROTECTIONS)]] "guest mprotect, patching";
    MUNMAP = 11 "munmap" [ANY] "guest munmap";
    RT_SIGPROCMASK = 14 "rt_sigprocmask" [&[AtMost(0, 2), Is(3, 8)]] "signal masks around clone";
    RT_SIGRETURN = 15 "rt_sigreturn" [ANY] "leaving a trap";
    PREAD64 = 17 "pread64" [ANY] "lower files";
    SCHED_YIELD = 24 "sched_yield" [ANY] "guest sched_yield, lock back-off";
    MREMAP = 25 "mremap" [&[Only(3, 7)]] "guest mremap, aliases of shared objects";
    MINCORE = 27 "mincore" [ANY] "guest mincore of anonymous and shared memory; of files that it can't write the host tells nothing";
    MADVISE = 28 "madvise" [
        // NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED
        &[AtMost(2, 4)],
        // FREE, REMOVE, DONTFORK, DOFORK
        &[Is(2, 8)], &[Is(2, 9)], &[Is(2, 10)], &[Is(2, 11)],
        // POPULATE_READ, POPULATE_WRITE
        &[Is(2, 22)], &[Is(2, 23)],
    ] "guest madvise, populating a working set, giving shared memory back, clones without the guest's memory";
    SENDTO = 44 "sendto" [&[Only(3, MESSAGE_FLAGS), Is(4, 0), Is(5, 0)]] "connections handed in";
    RECVFROM = 45 "recvfrom" [&[Only(3, MESSAGE_FLAGS), Is(4, 0), Is(5, 0)]] "connections handed in";
    SENDMSG = 46 "sendmsg" [&[Only(2, MESSAGE_FLAGS)]] "control socket, file server, connections";
    RECVMSG = 47 "recvmsg" [&[Only(2, MESSAGE_FLAGS)]] "control socket, file server, connections";
    SHUTDOWN = 48 "shutdown" [&[AtMost(1, 2)]] "guest shutdown of a connection";
    CLONE = 56 "clone" [
        &[Is(0, CLONE_THREAD_FLAGS)],
        &[Is(0, CLONE_SFORK_FLAGS)],
        &[Is(0, CLONE_TEMPLATE_FLAGS)],
        &[Is(0, CLONE_PROCESS_FLAGS)],
    ] "guest threads, guest processes, sfork, zygotes, templates";
    EXIT = 60 "exit" [ANY] "end of a host thread";
    CAPSET = 126 "capset" [ANY] "an instance drops what its template had";
    SIGALTSTACK = 131 "sigaltstack" [ANY] "a new thread's kernel stack";
    FUTEX = 202 "futex" [&[Is(1, FUTEX_WAIT_PRIVATE)], &[Is(1, FUTEX_WAKE_PRIVATE)]] "parking, the kernel lock";
    RESTART_SYSCALL = 219 "restart_syscall" [ANY] "a stopped and continued timed wait";
    CLOCK_GETTIME = 228 "clock_gettime" [ANY] "CPU-time clocks, hosts without a TSC clock";
    EXIT_GROUP = 231 "exit_group" [ANY] "end of the sandbox";
    EPOLL_CTL = 233 "epoll_ctl" [ANY] "the poller's set";
    TGKILL = 234 "tgkill" [&[Is(2, crate::layout::KICK_SIGNAL as u64)]] "interrupting a running guest thread";
    EPOLL_PWAIT = 281 "epoll_pwait" [&[Is(4, 0)]] "the poller";
    EVENTFD2 = 290 "eventfd2" [&[Only(1, 0o2_004_000)]] "waking the poller";
    EPOLL_CREATE1 = 291 "epoll_create1" [&[Only(0, 0o2_000_000)]] "the poller's set";
    GETRANDOM = 318 "getrandom" [ANY] "guest randomness, heap bases";
    MEMBARRIER = 324 "membarrier" [&[Is(0, 32), Is(1, 0)], &[Is(0, 64), Is(1, 0)]] "patching (SYNC_CORE and its registration)";
    CLOSE_RANGE = 436 "close_range" [&[Is(2, 0)]] "an instance drops what it inherited";
}

/// The budget of the design: more rows than this need a reason in `docs/architecture.md`.
pub const BUDGET: usize = 40;

/// What the nursery may do before the filter is installed, and nobody after: number and name.
pub const NURSERY_ONLY: &[(u32, &str)] = &[(RT_SIGACTION, "rt_sigaction"), (PRCTL, "prctl"), (SECCOMP, "seccomp")];
/// `rt_sigaction`, in the nursery only.
pub const RT_SIGACTION: u32 = 13;
/// `prctl`, in the nursery only.
pub const PRCTL: u32 = 157;
/// `seccomp`, in the nursery only.
pub const SECCOMP: u32 = 317;
