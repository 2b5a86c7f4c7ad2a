//! A guest process.

use super::fork::Birth;
use super::signal::{ProcessSignals, Signal};
use super::wait::Event;
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
    /// `personality(2)`.
    pub personality: Cell<u32>,
    /// `setitimer(2)` and `timer_create(2)`.
    pub timers: ProcessTimers,
    /// The signal its parent gets at its end; 0: none.
    pub exit_signal: Cell<u8>,
    /// Woken when one of its children ended, stopped or went on.
    pub child_changed: Rc<WaitQueue>,
    /// Woken when it executes a program or ends.
    pub vfork_done: Rc<WaitQueue>,
    /// It has executed a program.
    pub has_executed: Cell<bool>,
    /// Its memory is a copy that nothing was done to yet.
    pub is_fresh: Cell<bool>,
    /// All its threads were told to end.
    pub is_ending: Cell<bool>,
    /// Stopped by this signal; woken when it goes on.
    pub stopped: Cell<Option<Signal>>,
    /// Woken when it goes on after a stop, or has to end.
    pub goes_on: Rc<WaitQueue>,
    /// What its parent has not asked for yet: that it stopped, that it went on.
    pub unasked: Cell<Option<Event>>,
    /// It has asked for its number since the last boot from an image.
    pub knows_second_number: Cell<bool>,
    /// It was born of a parent that had.
    pub parent_is_second: Cell<bool>,
    /// CPU time: its own, known at its end, and that of its children that were waited for, ns.
    pub cpu_ns: Cell<u64>,
    /// See `cpu_ns`.
    pub children_cpu_ns: Cell<u64>,
    /// Woken when it or one of its threads ended, and when its parent has asked for it (pidfds).
    pub ended: Rc<WaitQueue>,
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
    /// Ambient capabilities.
    pub ambient: u64,
    /// `PR_SET_SECUREBITS`.
    pub secure_bits: u32,
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
            personality: Cell::new(0),
            timers: ProcessTimers::default(),
            exit_signal: Cell::new(Signal::CHLD.0),
            child_changed: WaitQueue::new(),
            vfork_done: WaitQueue::new(),
            has_executed: Cell::new(false),
            is_fresh: Cell::new(false),
            is_ending: Cell::new(false),
            stopped: Cell::default(),
            goes_on: WaitQueue::new(),
            unasked: Cell::default(),
            knows_second_number: Cell::default(),
            parent_is_second: Cell::default(),
            cpu_ns: Cell::default(),
            children_cpu_ns: Cell::default(),
            ended: WaitQueue::new(),
            thread_gone: WaitQueue::new(),
            exit: Cell::default(),
            started_ns: Cell::new(crate::time::monotonic_ns()),
        })
    }

    /// A child of it, without threads; with memory of its own in the host process `host`, or with the same.
    pub fn child(self: &Rc<Self>, pid: Pid, birth: &Birth, host: Option<u32>) -> Rc<Self> {
        let space = host.map_or_else(|| self.space(), |host| self.space().copy(host));
        if host.is_some() {
            crate::ipc::sysv::memory::note_attached(&space.regions(), pid);
        }
        let descriptors = if birth.files { self.descriptors() } else { self.descriptors().copy() };
        let fs = if birth.fs { self.fs() } else { self.fs().copy() };
        let parent = if birth.sibling { self.parent.get() } else { self.pid };
        let child = Self::new(pid, parent, space, descriptors, fs);
        child.group.set(self.group.get());
        child.session.set(self.session.get());
        child.exit_signal.set(if birth.sibling { self.exit_signal.get() } else { birth.exit_signal });
        child.is_fresh.set(host.is_some());
        child.parent_is_second.set(self.knows_second_number.get());
        child.signals.actions.copy_from(&self.signals.actions);
        if birth.default_actions {
            child.signals.actions.reset_handlers();
        }
        *child.credentials.borrow_mut() = self.credentials.borrow().clone();
        *child.limits.borrow_mut() = *self.limits.borrow();
        child.timers.limit_cpu(&child);
        child.personality.set(self.personality.get());
        *child.executable.borrow_mut() = self.executable.borrow().clone();
        *child.command_line.borrow_mut() = self.command_line.borrow().clone();
        *child.environment.borrow_mut() = self.environment.borrow().clone();
        *child.auxiliary.borrow_mut() = self.auxiliary.borrow().clone();
        // What is not inherited: PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER.
        let mut flags = self.flags.borrow().clone();
        flags.remove(&super::exit::PR_SET_PDEATHSIG);
        flags.remove(&super::exit::PR_SET_CHILD_SUBREAPER);
        *child.flags.borrow_mut() = flags;
        child
    }

    /// Whether another process lives in the same memory. One that has ended has none.
    pub fn shares_memory(self: &Rc<Self>) -> bool {
        let space = self.space();
        let lives_there = |other: &Rc<Self>| !Rc::ptr_eq(other, self) && Rc::ptr_eq(&other.space(), &space);
        crate::kernel().tasks.processes.borrow().values().any(lives_there)
    }

    /// Whether it has ended and waits to be asked for by its parent.
    pub fn is_zombie(&self) -> bool {
        self.exit.get().is_some() && self.threads.borrow().is_empty()
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
