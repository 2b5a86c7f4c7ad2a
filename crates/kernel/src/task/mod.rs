//! Guest processes and threads, and the host threads that run them.
//!
//! Three types: a guest [`Process`] has descriptors, signal actions and an address space, but may have
//! no host process; an address space ([`crate::mm::AddressSpace`]) may belong to two guest processes;
//! the [`host_process::HostProcess`] is what runs guest threads. A guest [`Thread`] has a host thread only while
//! it runs or is parked; at rest it is data and is called *dormant*.

pub mod awaken;
pub mod capability;
pub mod dormant;
pub mod elf;
pub mod exec;
pub mod exit;
pub mod fork;
pub mod futex;
pub mod host_process;
pub mod park;
pub mod poller;
pub mod process;
pub mod schedule;
pub mod seccomp;
pub mod share;
pub mod signal;
pub mod thread;
pub mod wait;

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

pub use process::Process;
pub use thread::Thread;

/// Number of a guest process (its thread group id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Pid(pub u32);

/// Number of a guest thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tid(pub u32);

/// The program; process 1 is the kernel's own.
pub const PROGRAM: Pid = Pid(2);

/// CPUs the guest sees.
pub fn cpu_count() -> u32 {
    crate::kernel().launch.borrow().cpus_milli.div_ceil(1000).max(1)
}

/// All processes and threads.
pub struct Tasks {
    /// Threads by number.
    pub threads: RefCell<BTreeMap<Tid, Rc<Thread>>>,
    /// Processes by number.
    pub processes: RefCell<BTreeMap<Pid, Rc<Process>>>,
    /// The number the next thread gets.
    pub next_tid: Cell<u32>,
    /// What runs threads.
    pub hosts: host_process::HostProcesses,
    spaces: Cell<u64>,
    /// The number that `getpid` answers in the program since the last boot from an image, beside the old one. All
    /// processes of the image have a second number, at the same distance.
    pub instance_pid: Cell<Option<Pid>>,
    /// Numbers from this one on were given since the image.
    pub image_end: Cell<u32>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            threads: RefCell::default(),
            processes: RefCell::default(),
            next_tid: Cell::new(PROGRAM.0),
            hosts: host_process::HostProcesses::default(),
            spaces: Cell::new(0),
            instance_pid: Cell::new(None),
            image_end: Cell::new(0),
        }
    }
}

impl Tasks {
    /// A number for one more address space.
    pub fn next_space(&self) -> u64 {
        self.spaces.set(self.spaces.get() + 1);
        self.spaces.get()
    }

    /// The number under which the guest sees a process, and its first thread: since a boot from an image, for those of
    /// the image, one that differs between instances.
    pub fn shown(&self, number: u32) -> u32 {
        match self.instance_pid.get() {
            Some(pid) if (PROGRAM.0..self.image_end.get()).contains(&number) => pid.0 + (number - PROGRAM.0),
            _ => number,
        }
    }

    /// What a number that the guest names means: one that is [`Self::shown`] is a second one.
    pub fn meant(&self, number: u32) -> u32 {
        if !self.is_second(number) {
            return number;
        }
        let first = number - self.instance_pid.get().unwrap_or(PROGRAM).0 + PROGRAM.0;
        if self.processes.borrow().contains_key(&Pid(first)) { first } else { number }
    }

    fn is_second(&self, number: u32) -> bool {
        let count = self.image_end.get().saturating_sub(PROGRAM.0);
        self.instance_pid.get().is_some_and(|pid| (pid.0..pid.0 + count).contains(&number))
    }

    /// A fresh number. Numbers are not used again before they wrap at `pid_max`.
    pub fn allocate(&self) -> Tid {
        loop {
            let tid = self.next_tid.get();
            self.next_tid.set(if tid >= 4_194_303 { 300 } else { tid + 1 });
            if !self.is_second(tid)
                && !self.threads.borrow().contains_key(&Tid(tid))
                && !self.processes.borrow().contains_key(&Pid(tid))
            {
                return Tid(tid);
            }
        }
    }
}
