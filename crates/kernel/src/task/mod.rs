//! Guest processes and threads, and the host threads that run them.
//!
//! Three types: a guest [`Process`] has descriptors, signal actions and an address space, but may have
//! no host process; an address space ([`crate::mm::AddressSpace`]) may belong to two guest processes;
//! the [`host_process::HostProcess`] is what runs guest threads. A guest [`Thread`] has a host thread only while
//! it runs or is parked; at rest it is data and is called *dormant*.

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
    /// The number that `getpid` answers since the last boot from an image, beside the old one.
    pub instance_pid: Cell<Option<Pid>>,
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
        }
    }
}

impl Tasks {
    /// A number for one more address space.
    pub fn next_space(&self) -> u64 {
        self.spaces.set(self.spaces.get() + 1);
        self.spaces.get()
    }

    /// The number under which the guest sees a process or thread: since a boot from an image the program, and
    /// its first thread, have that of the instance.
    pub fn shown(&self, number: u32) -> u32 {
        self.instance_pid.get().filter(|_| number == PROGRAM.0).map_or(number, |pid| pid.0)
    }

    /// What a number that the guest names means: that of the instance is a second one for the program.
    pub fn meant(&self, number: u32) -> u32 {
        if self.instance_pid.get() == Some(Pid(number)) { PROGRAM.0 } else { number }
    }

    /// A fresh number. Numbers are not used again before they wrap at `pid_max`.
    pub fn allocate(&self) -> Tid {
        loop {
            let tid = self.next_tid.get();
            self.next_tid.set(if tid >= 4_194_303 { 300 } else { tid + 1 });
            let is_instance = self.instance_pid.get() == Some(Pid(tid));
            if !is_instance
                && !self.threads.borrow().contains_key(&Tid(tid))
                && !self.processes.borrow().contains_key(&Pid(tid))
            {
                return Tid(tid);
            }
        }
    }
}
