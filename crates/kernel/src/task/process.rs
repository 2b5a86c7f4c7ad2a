//! A guest process.

use super::signal::ProcessSignals;
use super::{Pid, Thread, Tid};
use crate::fs::FsContext;
use crate::fs::descriptors::DescriptorTable;
use crate::mm::AddressSpace;
use crate::time::posix::ProcessTimers;
use crate::wait::WaitQueue;
use abi::control::Exit;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A process of the guest.
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its parent's.
    pub parent: Cell<Pid>,
    /// Process group.
    pub group: Cell<Pid>,
    /// Session.
    pub session: Cell<Pid>,
    /// Its threads.
    pub threads: RefCell<BTreeMap<Tid, Rc<Thread>>>,
    space: RefCell<Rc<AddressSpace>>,
    /// Its descriptors.
    pub descriptors: RefCell<Rc<DescriptorTable>>,
    /// Working directory, root, umask.
    pub fs: RefCell<Rc<FsContext>>,
    /// Signal actions and pending signals of the whole process.
    pub signals: ProcessSignals,
    /// Users, groups, capabilities.
    pub credentials: RefCell<Credentials>,
    /// `getrlimit(2)`, by number: soft and hard.
    pub limits: RefCell<[(u64, u64); 16]>,
    /// The program: absolute path in the guest (`/proc/self/exe`).
    pub executable: RefCell<Vec<u8>>,
    /// `/proc/self/cmdline`: arguments with their zeros.
    pub command_line: RefCell<Vec<u8>>,
    /// `/proc/self/environ`.
    pub environment: RefCell<Vec<u8>>,
    /// `/proc/self/auxv`.
    pub auxiliary: RefCell<Vec<u8>>,
    /// `prctl(PR_SET_DUMPABLE)` and other flags by option number.
    pub flags: RefCell<BTreeMap<u32, u64>>,
    /// `setitimer(2)` and `timer_create(2)`.
    pub timers: ProcessTimers,
    /// Woken when one of its threads ended.
    pub thread_gone: Rc<WaitQueue>,
    /// Set when it ends.
    pub exit: Cell<Option<Exit>>,
    /// Guest monotonic time of its start, ns.
    pub started_ns: Cell<u64>,
}

/// Virtual users, groups and capabilities (`credentials(7)`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective, saved and file-system user.
    pub uid: [u32; 4],
    /// Real, effective, saved and file-system group.
    pub gid: [u32; 4],
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Effective, permitted, inheritable capabilities (`capabilities(7)`).
    pub capabilities: [u64; 3],
    /// Capability bounding set.
    pub bounding: u64,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privileges: bool,
}

/// `RLIM_INFINITY`.
pub const UNLIMITED: u64 = u64::MAX;

impl Process {
    /// A process without threads.
    pub fn new(
        pid: Pid,
        parent: Pid,
        space: Rc<AddressSpace>,
        descriptors: Rc<DescriptorTable>,
        fs: Rc<FsContext>,
    ) -> Rc<Self> {
        let mut limits = [(UNLIMITED, UNLIMITED); 16];
        limits[3] = (8 << 20, UNLIMITED); // RLIMIT_STACK
        limits[4] = (0, UNLIMITED); // RLIMIT_CORE
        limits[7] = (1024, 4096); // RLIMIT_NOFILE
        limits[8] = (8 << 20, 8 << 20); // RLIMIT_MEMLOCK
        limits[11] = (16_384, 16_384); // RLIMIT_SIGPENDING
        limits[12] = (819_200, 819_200); // RLIMIT_MSGQUEUE
        limits[13] = (0, 0); // RLIMIT_NICE
        limits[14] = (0, 0); // RLIMIT_RTPRIO
        Rc::new(Self {
            pid,
            parent: Cell::new(parent),
            group: Cell::new(pid),
            session: Cell::new(pid),
            threads: RefCell::default(),
            space: RefCell::new(space),
            descriptors: RefCell::new(descriptors),
            fs: RefCell::new(fs),
            signals: ProcessSignals::default(),
            credentials: RefCell::default(),
            limits: RefCell::new(limits),
            executable: RefCell::default(),
            command_line: RefCell::default(),
            environment: RefCell::default(),
            auxiliary: RefCell::default(),
            flags: RefCell::default(),
            timers: ProcessTimers::default(),
            thread_gone: WaitQueue::new(),
            exit: Cell::default(),
            started_ns: Cell::new(crate::time::monotonic_ns()),
        })
    }

    /// Its address space.
    pub fn space(&self) -> Rc<AddressSpace> {
        self.space.borrow().clone()
    }

    /// Gives it another address space (`execve`).
    pub fn set_space(&self, space: Rc<AddressSpace>) {
        *self.space.borrow_mut() = space;
    }

    /// Its working directory, root and umask.
    pub fn fs(&self) -> Rc<FsContext> {
        self.fs.borrow().clone()
    }

    /// Its descriptor table.
    pub fn descriptors(&self) -> Rc<DescriptorTable> {
        self.descriptors.borrow().clone()
    }
}
