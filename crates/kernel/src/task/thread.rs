//! A guest thread.

use super::schedule::Schedule;
use super::signal::ThreadSignals;
use super::{Process, Tid, seccomp};
use crate::entry::Frame;
use crate::user_memory::UserAddr;
use crate::wait::{Progress, WaitFor, Wake};
use abi::image::Registers;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A thread of the guest.
pub struct Thread {
    /// Its number.
    pub tid: Tid,
    process: RefCell<Rc<Process>>,
    /// `comm`, at most 15 bytes.
    pub name: RefCell<Vec<u8>>,
    /// Signal mask, pending signals, alternate stack.
    pub signals: ThreadSignals,
    /// The number that its C library knows it by: what `set_tid_address(2)` answered. A boot from an image leaves it.
    pub known_as: Cell<u32>,
    /// `set_tid_address(2)`: cleared and woken when the thread ends.
    pub clear_child_tid: Cell<UserAddr>,
    /// Where its first steps write its number (`CLONE_CHILD_SETTID`).
    pub set_child_tid: Cell<UserAddr>,
    /// A program that it goes on with as soon as it has a host process of its own.
    pub exec: RefCell<Option<alloc::boxed::Box<super::exec::Prepared>>>,
    /// `set_robust_list(2)`; an address outside the guest is kept as null.
    pub robust_list: Cell<UserAddr>,
    /// Stack slot of the host thread that runs it, in the host process of its address space; none: dormant.
    pub slot: Cell<Option<u32>>,
    /// Number of that host thread for the host; 0 until it runs.
    pub host_tid: Cell<i32>,
    /// Whether it lets itself ask for everything.
    pub seccomp_mode: Cell<seccomp::Mode>,
    /// Its filters, newest first.
    pub seccomp: RefCell<Option<Rc<seccomp::Filter>>>,
    /// What it asked of the scheduler.
    pub schedule: RefCell<Schedule>,
    /// What it waits for while it is in a blocked call.
    pub waiting: RefCell<Option<WaitFor>>,
    /// What woke it from that wait.
    pub woken: Cell<Option<Wake>>,
    /// What a call that is being continued had left.
    pub resumed: Cell<Option<(Progress, Wake)>>,
    /// Its registers while no host thread runs it.
    pub saved: RefCell<Option<Saved>>,
    /// The call it is in was printed already (`--strace`).
    pub call_shown: Cell<bool>,
    /// It has to end at its next way out of the kernel.
    pub exiting: Cell<bool>,
    /// User CPU time is counted by the host; this is what earlier host threads of it used, ns.
    pub cpu_time_before_ns: Cell<u64>,
}

/// User state of a thread at rest. Bytes: what the guest controls lies in the byte arena.
#[derive(Clone)]
pub struct Saved {
    registers: Vec<u8>,
    /// XSAVE area in the format of a signal frame; empty: the initial state.
    pub vector: Vec<u8>,
}

impl Saved {
    /// Keeps registers and vector state.
    pub fn new(registers: &Registers, vector: Vec<u8>) -> Self {
        Self { registers: crate::user_memory::bytes_of(registers).to_vec(), vector }
    }

    /// The registers.
    pub fn registers(&self) -> Registers {
        crate::user_memory::from_bytes(&self.registers)
    }
}

impl Thread {
    /// A thread that does not run yet.
    pub fn new(tid: Tid, process: Rc<Process>) -> Rc<Self> {
        Rc::new(Self {
            tid,
            process: RefCell::new(process),
            name: RefCell::default(),
            signals: ThreadSignals::default(),
            known_as: Cell::new(tid.0),
            clear_child_tid: Cell::default(),
            robust_list: Cell::default(),
            slot: Cell::default(),
            host_tid: Cell::default(),
            set_child_tid: Cell::default(),
            exec: RefCell::default(),
            seccomp_mode: Cell::default(),
            seccomp: RefCell::default(),
            schedule: RefCell::default(),
            waiting: RefCell::default(),
            woken: Cell::default(),
            resumed: Cell::default(),
            saved: RefCell::default(),
            call_shown: Cell::new(false),
            exiting: Cell::new(false),
            cpu_time_before_ns: Cell::new(0),
        })
    }

    /// The first thread of a child, with the same name, signal mask and alternate stack.
    pub fn first_of(&self, child: &Rc<Process>) -> Rc<Self> {
        let first = self.successor(Tid(child.pid.0), child.clone());
        first.signals.set_alternate_stack(self.signals.alternate_stack());
        first
    }

    /// A new thread of the same process, with the same name and signal mask.
    pub fn sibling(&self, tid: Tid) -> Rc<Self> {
        self.successor(tid, self.process())
    }

    fn successor(&self, tid: Tid, process: Rc<Process>) -> Rc<Self> {
        let new = Self::new(tid, process);
        *new.name.borrow_mut() = self.name.borrow().clone();
        new.signals.set_mask(self.signals.mask());
        *new.schedule.borrow_mut() = self.schedule.borrow().clone();
        new.seccomp_mode.set(self.seccomp_mode.get());
        *new.seccomp.borrow_mut() = self.seccomp.borrow().clone();
        new
    }

    /// Number of the host process that runs it.
    pub fn host(&self) -> u32 {
        self.process().space().host.get()
    }

    /// Its process.
    pub fn process(&self) -> Rc<Process> {
        self.process.borrow().clone()
    }

    /// Keeps its registers and CPU time as data: the calling host thread runs it no more.
    pub fn become_data(&self, frame: &Frame) {
        self.cpu_time_before_ns.set(crate::time::clock::thread_cpu_ns(self));
        *self.saved.borrow_mut() = Some(frame.save());
        self.slot.set(None);
        self.host_tid.set(0);
    }

    /// Whether it is in a blocked call and nothing woke it yet.
    pub fn is_waiting(&self) -> bool {
        self.waiting.borrow().is_some() && self.woken.get().is_none()
    }
}
