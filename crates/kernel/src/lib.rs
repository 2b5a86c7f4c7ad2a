//! The guest kernel: serves the Linux system calls of a sandboxed program from inside its process.
//!
//! ```text
//!   application ──syscall──▶ entry ──▶ syscall::table ──▶ task / mm / fs / events / ipc / net / time / tty
//!                              │                                   │
//!                              ▼                                   ▼
//!                        saved registers                 host (hostcalls), heap (state)
//! ```
//!
//! * [`entry`] alone sees registers; [`syscall`] decodes, calls, encodes; the subsystems hold the state.
//! * All state is one [`Kernel`] object in the kernel heap, found through the boot page. It is shared
//!   by all host threads of the sandbox and guarded by one lock ([`lock`]): code that holds the lock
//!   has the whole kernel to itself, so the state is plain `Rc`, `Cell` and `RefCell`. No `RefCell`
//!   borrow is held while another subsystem is called, and none when the lock is released.
//! * A handler never blocks. It says what it waits for ([`syscall::Stop::Wait`]); the thread then parks
//!   outside the lock ([`task::park`]) and the call is continued with what woke it. So a thread at rest
//!   is data: its registers and what it waits for.
//! * The doors are [`host`] (down, the only hostcalls), [`user_memory`] (up), [`heap`] (state).
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod boot;
pub mod control;
pub mod entry;
pub mod errno;
pub mod events;
pub mod fs;
pub mod heap;
pub mod host;
pub mod ipc;
pub mod local;
pub mod lock;
pub mod mm;
pub mod net;
pub mod snapshot;
pub mod syscall;
pub mod task;
pub mod time;
pub mod tty;
pub mod user_memory;
pub mod wait;

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

/// The whole state of the guest kernel; the root object of the kernel heap.
#[derive(Default)]
pub struct Kernel {
    /// What the sandbox was told at its launch.
    pub launch: RefCell<abi::launch::Launch>,
    /// Processes and threads.
    pub tasks: task::Tasks,
    /// Futexes that somebody waits for.
    pub futexes: task::futex::Futexes,
    /// Timers and clock offsets.
    pub time: time::Time,
    /// The mounted file systems and their caches.
    pub fs: fs::Files,
    /// Memory that mappings share.
    pub shared: mm::SharedMemory,
    /// Objects that processes talk through.
    pub ipc: ipc::Ipc,
    /// Sockets of the inside and the listener that is fed from outside.
    pub net: net::Net,
    /// Terminals.
    pub terminals: tty::Terminals,
    /// The monitor's side of things: connections to come, what was reported.
    pub control: control::Control,
    /// System calls made so far, all threads.
    pub syscalls: Cell<u64>,
    /// Calls by number (`--syscall-stats`).
    pub counts: syscall::counts::Counts,
    /// Unsupported calls and options named so far: each is logged once.
    pub unsupported: RefCell<BTreeMap<alloc::string::String, u64>>,
}

/// The state. Needs the kernel lock, like everything that it holds.
pub fn kernel() -> &'static Kernel {
    local::root()
}

impl Kernel {
    /// Logs, once, that the guest asked for something that is not there.
    pub fn note_unsupported(&self, what: &str) {
        let mut seen = self.unsupported.borrow_mut();
        if let Some(count) = seen.get_mut(what) {
            *count += 1;
            return;
        }
        seen.insert(what.into(), 1);
        drop(seen);
        control::log(abi::control::LogStream::Kernel, alloc::format!("unsupported: {what}\n").as_bytes());
    }

    /// The guest thread with this number.
    pub fn thread(&self, tid: task::Tid) -> Option<Rc<task::Thread>> {
        self.tasks.threads.borrow().get(&tid).cloned()
    }

    /// The guest thread that the calling host thread runs, if it runs one.
    pub fn running(&self) -> Option<Rc<task::Thread>> {
        self.thread(task::Tid(local::per_thread().tid.get()))
    }
}
